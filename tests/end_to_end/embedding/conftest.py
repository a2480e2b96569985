from __future__ import annotations

import pytest

from tests.end_to_end.embedding.support.shop import opened
from tests.end_to_end.support.stream import Stream


@pytest.fixture
def shop(stream: Stream) -> Stream:
    """Orders that embed their customer, and their lines with the product of each."""
    return opened(stream)
