"""Reports, behind the test results, how many examples of each type were compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

Examined = Callable[[str, str, int], None]
"""Notes that so many examples of a type were compared on a flavour."""

EXAMPLES = pytest.StashKey[Counter[tuple[str, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[EXAMPLES] = Counter()


@pytest.fixture
def examined(request: pytest.FixtureRequest) -> Examined:
    counter = request.config.stash.setdefault(EXAMPLES, Counter())

    def note(flavour: str, kind: str, examples: int) -> None:
        counter[flavour, kind] += examples

    return note


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
