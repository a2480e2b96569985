"""What a check says of embedded documents."""

from __future__ import annotations

from typing import Any

from cdc.mapping.file.mapping import Mapping
from cdc.preflight import Finding, Outcome, embed_findings

LINES = {"many": "lines", "on": "order_id"}


def orders(**embed: Any) -> Mapping:
    return Mapping.model_validate({"source": "a.orders", "target": "orders", "embed": embed})


def found(mapping: Mapping, mode: Any = "exactly_once") -> list[Finding]:
    return [*embed_findings([mapping], mode=mode)]


def test_embeds_need_transactions() -> None:
    (finding,) = found(orders(user={"one": "users", "on": "user_id"}), "at_least_once")

    assert finding.outcome is Outcome.WRONG
    assert "apply.mode: at_least_once" in finding.what
    assert not found(orders(), "at_least_once")


def test_an_array_without_a_limit_is_a_risk() -> None:
    (finding,) = found(orders(lines=LINES, few={**LINES, "limit": 5}))

    assert finding.outcome is Outcome.WARNING
    assert "the array `lines` has no `limit`" in finding.what
