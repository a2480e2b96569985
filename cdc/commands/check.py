"""`cdc check`: reports whether source, target and mappings are fit, one finding a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cdc import native
from cdc.commands import config_option, output_option
from cdc.mapping.file.project import load_project
from cdc.preflight import Finding, Outcome, exit_code
from cdc.preflight.run import examine
from cdc.terminal.output import Colour, coloured, say_escaped, say_json
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
    if output == "json":
        say_json(_facts(findings))
    else:
        for each in findings:
            say_escaped(_line(each))
    ctx.exit(exit_code(findings))


def _line(finding: Finding) -> str:
    """Return a finding as a line, its outcome in a colour."""
    outcome = finding.outcome
    colour: Colour = "green" if outcome is Outcome.OK else "yellow" if finding.ok else "red"
    return coloured(outcome.value, colour) + spelling()(str(finding)).removeprefix(outcome.value)


def _facts(findings: Sequence[Finding]) -> dict[str, Any]:
    return {
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
    }
