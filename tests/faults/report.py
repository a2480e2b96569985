"""`python -m tests.faults.report [FILE]`: add what campaigns have done to the record, and tell it.

The record, `record.json`, holds sums, so that it adds up over machines and years. The page of the
documentation is written from it.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

from tests.support.checkout import ROOT

TOLD: Final = ROOT / "build" / "faults" / "campaigns.jsonl"
"""A line a campaign, of those that the record does not have yet."""
RECORD: Final = ROOT / "tests" / "faults" / "record.json"
PAGE: Final = ROOT / "docs" / "explanation" / "faults.md"
BEGIN, END = "<!-- campaigns -->", "<!-- end of campaigns -->"

Campaign = Mapping[str, Any]

SUMS: Final = {
    "applied": "transactions applied, each once",
    "rows": "rows changed",
    "snapshots": "sums of snapshots",
    "orders": "of orders beside their lines",
    "changes": "versions of a change stream",
    "states": "state documents",
    "lags": "looks at the lag",
    "behind": "of them while the target was behind",
    "messages": "published messages that a consumer followed",
    "letters": "dead letters, all mended by a retry",
    "remedies": "positions set as the documentation says",
    "daemons_started": "daemons started",
}
"""The figures of campaigns that are summed, and what they are called."""
USUAL: Final = "usual"


@dataclass(slots=True)
class Record:
    """Sums over campaigns. Those that have no `seconds` lasted for a minute."""

    campaigns: int = 0
    found: int = 0
    seconds: int = 0
    """From a campaign's first fault to its last one."""
    sums: Counter[str] = field(default_factory=Counter)
    peak_megabytes: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    topologies: Counter[str] = field(default_factory=Counter)
    """Campaigns by source, members and daemons, `mysql-gtid 1 2`."""
    conditions: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    """Campaigns by server, `mysql 9.7.4`."""
    seeds: list[int] = field(default_factory=list)

    def add(self, campaign: Campaign) -> None:
        """Add what one campaign has told."""
        self.campaigns += 1
        self.found += bool(campaign["violations"])
        self.seconds += campaign.get("seconds", 60)
        self.sums.update({name: campaign.get(name, 0) for name in SUMS})
        self.peak_megabytes = max(self.peak_megabytes, campaign.get("peak_megabytes", 0))
        self.faults.update(campaign.get("faults", {}))
        self.topologies["{kind} {members} {daemons}".format_map(campaign)] += 1
        self.conditions.update(campaign.get("conditions") or [USUAL])
        self.versions.update(
            f"{name} {number.partition('-')[0]}"
            for name, number in campaign.get("versions", {}).items()
        )
        self.seeds.append(campaign["seed"])

    def to_json(self) -> str:
        """Return it as it is kept, a name a line."""
        kept: dict[str, Any] = {}
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            kept[name] = dict(sorted(value.items())) if isinstance(value, dict) else value
        lines = (f"{json.dumps(name)}: {json.dumps(value)}" for name, value in kept.items())
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        kept = json.loads(text)
        counted = {name: Counter(value) for name, value in kept.items() if isinstance(value, dict)}
        return cls(**{**kept, **counted})


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the lines of a table."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(map(str, each))} |" for each in lines]


def told(record: Record) -> str:
    """Return what the page says of a record."""
    figures = {
        "campaigns": record.campaigns,
        "of them found something": record.found,
        "hours of faults": f"{record.seconds / 3600:.1f}",
        "faults": record.faults.total(),
        **{name: record.sums[key] for key, name in SUMS.items()},
        "the most memory that a daemon took": f"{record.peak_megabytes} MB",
        "different seeds": len(set(record.seeds)),
    }
    shown = [
        (name, f"{value:,}" if isinstance(value, int) else value) for name, value in figures.items()
    ]
    topologies = [
        (*topology.split(), count) for topology, count in sorted(record.topologies.items())
    ]
    parts = [
        table(["", ""], shown),
        table(
            ["fault", "times"],
            [(name.replace("_", " "), count) for name, count in sorted(record.faults.items())],
        ),
        table(["source", "members of the target", "daemons", "campaigns"], topologies),
        table(["condition", "campaigns"], sorted(record.conditions.items())),
        table(["server", "campaigns"], sorted(record.versions.items())),
    ]
    return "\n\n".join("\n".join(each) for each in parts)


def with_told(page: str, record: Record) -> str:
    """Return the page with what was told in the place for it."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{told(record)}\n\n{END}{after}"


def main(path: Path = TOLD) -> None:
    """Add what is told in a file to the record, take it out of there, and write the page anew."""
    record = Record.from_json(RECORD.read_text())
    lines = path.read_text().splitlines() if path.exists() else []
    for line in lines:
        record.add(json.loads(line))
    RECORD.write_text(record.to_json())
    PAGE.write_text(with_told(PAGE.read_text(), record))
    path.unlink(missing_ok=True)
    print(f"{len(lines)} campaigns more in {RECORD.relative_to(ROOT)}: {record.campaigns}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
