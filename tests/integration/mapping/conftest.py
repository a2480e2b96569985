from __future__ import annotations

from functools import partial

import pytest

from tests import compared
from tests.integration.mapping.support.examined import Examined


@pytest.fixture
def examined(request: pytest.FixtureRequest) -> Examined:
    return partial(compared.note, request.config)
