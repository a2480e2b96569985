"""`python -m tests.faults.report`: sum up what campaigns have done, in the documentation's page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from tests.support.checkout import ROOT

TOLD: Final = ROOT / "build" / "faults" / "campaigns.jsonl"
PAGE: Final = ROOT / "docs" / "explanation" / "faults.md"
BEGIN, END = "<!-- campaigns -->", "<!-- end of campaigns -->"

Campaign = dict[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the lines of a table."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(map(str, each))} |" for each in lines]


def told(campaigns: Sequence[Campaign]) -> str:
    """Return what the page says of campaigns."""
    faults = Counter[str]()
    for each in campaigns:
        faults.update(each["faults"])

    def total(name: str) -> int:
        return sum(int(each.get(name, 0)) for each in campaigns)

    topologies = Counter((each["kind"], each["members"], each["daemons"]) for each in campaigns)
    found = sum(bool(each["violations"]) for each in campaigns)
    figures = {
        "campaigns": len(campaigns),
        "of them found something": found,
        "faults": faults.total(),
        "transactions applied, each once": total("applied"),
        "rows changed": total("rows"),
        "sums of snapshots": total("snapshots"),
        "versions of a change stream": total("changes"),
        "state documents": total("states"),
        "looks at the lag, of them while the target was behind": (
            f"{total('lags'):,}, {total('behind'):,}"
        ),
        "dead letters, all mended by a retry": total("letters"),
        "daemons started": total("daemons_started"),
        "the most memory that a daemon took": (
            f"{max((each['peak_megabytes'] for each in campaigns), default=0)} MB"
        ),
    }
    shown = [
        (name, f"{value:,}" if isinstance(value, int) else value) for name, value in figures.items()
    ]
    return "\n".join(
        [
            *table(["", ""], shown),
            "",
            *table(
                ["fault", "times"],
                [(name.replace("_", " "), count) for name, count in sorted(faults.items())],
            ),
            "",
            *table(
                ["source", "members of the target", "daemons", "campaigns"],
                [(*topology, count) for topology, count in sorted(topologies.items())],
            ),
        ]
    )


def with_told(page: str, campaigns: Sequence[Campaign]) -> str:
    """Return the page with what was told in the place for it."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{told(campaigns)}\n\n{END}{after}"


def main(path: Path = TOLD) -> None:
    """Write the page anew."""
    campaigns = [json.loads(line) for line in path.read_text().splitlines()]
    PAGE.write_text(with_told(PAGE.read_text(), campaigns))
    print(f"{len(campaigns)} campaigns in {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
