"""Which errors of the target pass."""

from __future__ import annotations

import pytest
from pymongo.errors import OperationFailure

from cdc.errors import Retryable
from cdc.writers.errors import explain

ALONE = (
    "This MongoDB deployment does not support retryable writes. Please add retryWrites=false to"
    " your connection string."
)


@pytest.mark.parametrize(
    ("text", "code", "passes"),
    [
        pytest.param("cursor id 1 not found", 43, True, id="CursorNotFound"),
        pytest.param("interrupted", 10045600, True, id="InterruptedDueToFCVChange"),
        pytest.param(ALONE, 20, True, id="a driver that retries on a standalone"),
        pytest.param("not on a capped collection", 20, False, id="IllegalOperation"),
        pytest.param("bad value", 2, False, id="BadValue"),
    ],
)
def test_what_passes_is_retried(text: str, code: int, passes: bool) -> None:
    assert isinstance(explain(OperationFailure(text, code)), Retryable) == passes
