from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cdc.model.claim import Claim

NEVER = datetime.fromtimestamp(0, UTC)


@pytest.mark.parametrize(
    ("document", "claim"),
    [
        ({"_id": "a.b"}, Claim("a.b", None, None, NEVER)),
        ({"_id": 5, "stream": 7, "since": "today"}, Claim("5", "7", None, NEVER)),
        ({"_id": "a.b", "stream": None, "former": 7}, Claim("a.b", None, "7", NEVER)),
    ],
)
def test_a_claim_that_somebody_has_edited_can_be_read(
    document: dict[str, Any], claim: Claim
) -> None:
    assert Claim.all_in(document) == [claim]
