from __future__ import annotations

from functools import partial

import pytest

from tests.integration.mapping.support.examined import Examined
from tests.support import compared


@pytest.fixture
def examined(request: pytest.FixtureRequest) -> Examined:
    return partial(compared.note, request.config)
