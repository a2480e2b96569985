"""The flavours of the portal's tables that a module of tests is run on."""

from __future__ import annotations

import pytest

from cdc_sandbox.servers import Flavour
from tests.support import examples


@pytest.fixture(scope="session", params=["mysql", "mariadb"] if examples.budget > 1 else ["mysql"])
def one_flavour(request: pytest.FixtureRequest) -> Flavour:
    """For what is decided above the tables; a larger budget has both flavours.

    A module has it by `flavour = one_flavour`.
    """
    name: Flavour = request.param
    return name
