"""Reports, behind the test results, how many examples of each type were compared."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

EXAMPLES = pytest.StashKey[Counter[tuple[str, str]]]()
"""Examples by flavour and type."""

_REPORT = "examples_compared"


def note(config: pytest.Config, flavour: str, kind: str, examples: int) -> None:
    config.stash.setdefault(EXAMPLES, Counter())[flavour, kind] += examples


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the counts to the process that started this one, if it is one of several."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_REPORT] = [
            [*each, count] for each, count in session.config.stash.get(EXAMPLES, Counter()).items()
        ]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    for flavour, kind, count in getattr(node, "workeroutput", {}).get(_REPORT, []):
        note(node.config, flavour, kind, count)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    counter = config.stash.get(EXAMPLES, Counter())
    if not counter:
        return
    terminalreporter.section("examples compared with the servers")
    for flavour in sorted({flavour for flavour, _ in counter}):
        counts = {kind: count for (one, kind), count in counter.items() if one == flavour}
        terminalreporter.line(f"{flavour}: {sum(counts.values())} examples of {len(counts)} types")
        for kind, count in counts.items():
            terminalreporter.line(f"  {count:6} {kind[:90]}")
