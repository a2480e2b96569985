from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from tests import compared

Examined = Callable[[str, str, int], None]
"""Notes that so many examples of a type were compared on a flavour."""


@pytest.fixture
def examined(request: pytest.FixtureRequest) -> Examined:
    return partial(compared.note, request.config)
