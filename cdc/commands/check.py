"""`cdc check`: reports whether source, target and mappings are fit, one finding a line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from cdc import native
from cdc.commands import config_option, output_option
from cdc.mapping.file.project import load_project
from cdc.preflight import Finding, Outcome, exit_code
from cdc.preflight.run import examine
from cdc.terminal.output import say
from cdc.terminal.spelling import spelling


@click.command()
@config_option
@output_option
@click.pass_context
def check(ctx: click.Context, config_path: Path, output: str) -> None:
    """Tell whether source, target and mappings are fit for replication.

    Exits 0 if they are, 2 if the configuration or a mapping is wrong, 3 if a side is not fit or
    cannot be reached, or if the source cannot go on from the stream's position.
    """
    config, mappings = load_project(config_path)
    findings = [
        Finding("start", Outcome.OK, str(config.start)),
        Finding("native module", Outcome.OK, native.state),
        *examine(config, mappings),
    ]
    say(_as_json(findings) if output == "json" else spelling()("\n".join(map(str, findings))))
    ctx.exit(exit_code(findings))


def _as_json(findings: Sequence[Finding]) -> str:
    return json.dumps(
        {
            "fit": all(finding.ok for finding in findings),
            "findings": [
                {
                    "check": finding.check,
                    "outcome": finding.outcome.value,
                    "what": finding.what,
                    "remedy": spelling()(finding.remedy) or None,
                }
                for finding in findings
            ],
        },
        ensure_ascii=False,
        indent=2,
    )
