"""Whether both sides are fit for replication: rules over facts, which others gather."""

from __future__ import annotations

from cdc.preflight.claims import claim_findings
from cdc.preflight.edited import edit_findings
from cdc.preflight.expressions import expression_findings
from cdc.preflight.finding import Finding, Outcome, exit_code, require
from cdc.preflight.indexes import index_findings
from cdc.preflight.places import place_findings
from cdc.preflight.source import source_findings
from cdc.preflight.tables import (
    glob_findings,
    gone,
    mapping_finding,
    missing,
    table_findings,
)
from cdc.preflight.target import target_findings

__all__ = [
    "Finding",
    "Outcome",
    "claim_findings",
    "edit_findings",
    "exit_code",
    "expression_findings",
    "glob_findings",
    "gone",
    "index_findings",
    "mapping_finding",
    "missing",
    "place_findings",
    "require",
    "source_findings",
    "table_findings",
    "target_findings",
]
