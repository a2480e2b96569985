from __future__ import annotations

import pytest

from cdc.config.sections import ApplyConfig
from tests.support.memory import BATCH_BYTES, TRANSACTION_BYTES, ceiling_megabytes

PARTS = {"batch_bytes": 1_000_000, "transaction_bytes": 2_000_000}


@pytest.mark.parametrize(
    ("apply", "event_bytes", "megabytes"),
    [
        (PARTS, 0, 126),
        (PARTS, 10_000_000, 206),
        ({**PARTS, "lanes": 3}, 0, 130),
        ({**PARTS, "lanes": 3}, 10_000_000, 210),
    ],
)
def test_what_is_held_at_once_adds_up(
    apply: dict[str, int], event_bytes: int, megabytes: float
) -> None:
    assert ceiling_megabytes(apply, event_bytes) == megabytes


def test_what_is_not_configured_is_cdc_s_default() -> None:
    assert ApplyConfig().batch_bytes == BATCH_BYTES
    assert ApplyConfig().transaction_bytes == TRANSACTION_BYTES
