"""Checks that both sides are fit for replication: rules over facts that other packages gather."""

from __future__ import annotations

from cdc.preflight.findings import Finding, Outcome, exit_code, require
from cdc.preflight.rules.claims import claim_findings
from cdc.preflight.rules.collections import index_findings
from cdc.preflight.rules.embeds import embed_findings
from cdc.preflight.rules.mappings import (
    edit_findings,
    expression_findings,
    mistake_finding,
    place_findings,
)
from cdc.preflight.rules.sharding import shard_key_findings, sharding_findings
from cdc.preflight.rules.source import copying_finding, source_findings, xa_finding
from cdc.preflight.rules.tables import glob_findings, gone, mapping_finding, missing, table_findings
from cdc.preflight.rules.target import target_findings

__all__ = [
    "Finding",
    "Outcome",
    "claim_findings",
    "copying_finding",
    "edit_findings",
    "embed_findings",
    "exit_code",
    "expression_findings",
    "glob_findings",
    "gone",
    "index_findings",
    "mapping_finding",
    "missing",
    "mistake_finding",
    "place_findings",
    "require",
    "shard_key_findings",
    "sharding_findings",
    "source_findings",
    "table_findings",
    "target_findings",
    "xa_finding",
]
