"""`cdc check`: reports whether source, target and mappings are fit, one finding a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cdc import native
from cdc.commands import config_option, output_option
from cdc.config import load
from cdc.mapping.file.project import read_project_mappings
from cdc.preflight import Finding, Outcome, exit_code
from cdc.preflight.run import examine, examine_mistaken
from cdc.readers.server.hosts import hosts
from cdc.terminal.counted import counted
from cdc.terminal.output import Colour, coloured, say, say_escaped, say_json
from cdc.terminal.paths import from_here
from cdc.terminal.spelling import spelling
from cdc.terminal.waiting import WaitingLine


@click.command()
@config_option
@output_option
@click.pass_context
def check(ctx: click.Context, config_path: Path, output: str) -> None:
    """Tell whether source, target and mappings are fit for replication.

    Exits 0 if they are, 2 if the configuration or a mapping is wrong, 3 if a side is not fit or
    cannot be reached, or if the source cannot go on from the stream's position.
    """
    config = load(config_path)
    mappings, problems = read_project_mappings(config, config_path)
    findings = [
        Finding("start", Outcome.OK, str(config.start)),
        Finding("native module", Outcome.OK, native.state),
    ]
    with WaitingLine() as line:
        if problems:
            line.show(f"the source {hosts(config.source)}")
            findings += examine_mistaken(config, mappings, problems)
        else:
            findings += examine(config, mappings, asks=line.show)
    if output == "json":
        say_json(_facts(findings))
    else:
        for each in sorted(findings, key=_for_whom):
            say_escaped(_line(each))
        say(_summary(findings))
    ctx.exit(exit_code(findings))


def _for_whom(finding: Finding) -> int:
    """Return what sorts findings: what is well, then risks, and last what prevents a start."""
    if finding.outcome is Outcome.OK:
        return 0
    return 1 if finding.ok else 2


def _summary(findings: Sequence[Finding]) -> str:
    """Return how many findings there are of each outcome: `9 checks: 7 ok, 1 warning, 1 unfit`."""
    outcomes = Counter(each.outcome for each in findings)
    told = ", ".join(
        counted(outcomes[each], each.value, "warnings" if each is Outcome.WARNING else each.value)
        for each in Outcome
        if outcomes[each]
    )
    return f"{counted(len(findings), 'check')}: {told}"


def _line(finding: Finding) -> str:
    """Return a finding as it is printed, its outcome in a colour."""
    outcome = finding.outcome
    colour: Colour = "green" if outcome is Outcome.OK else "yellow" if finding.ok else "red"
    told = from_here(spelling()(str(finding)))
    return coloured(outcome.value, colour) + told.removeprefix(outcome.value)


def _facts(findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "fit": all(finding.ok for finding in findings),
        "findings": [
            {
                "check": finding.check,
                "outcome": finding.outcome.value,
                "what": finding.what,
                "remedy": spelling()(finding.remedy) or None,
                "excerpt": finding.excerpt or None,
            }
            for finding in findings
        ],
    }
