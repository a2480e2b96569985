from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults import report
from tests.faults.report import BEGIN, END, PAGE, RECORD, Record, told, with_told

CAMPAIGN = {
    "kind": "mysql-gtid",
    "members": 3,
    "daemons": 2,
    "conditions": ["tls", "tiny caches"],
    "seed": 1,
    "seconds": 1800,
    "faults": {"kill_daemon": 2, "lag": 1},
    "applied": 1000,
    "rows": 3000,
    "peak_megabytes": 90,
    "versions": {"mysql": "9.7.4-2", "mongo": "6.0.5"},
    "violations": [],
}


def record_of(*campaigns: dict[str, object]) -> Record:
    record = Record()
    for each in campaigns:
        record.add(each)
    return record


def test_campaigns_are_summed_up_in_their_place() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    another = {**CAMPAIGN, "violations": ["x"], "peak_megabytes": 95, "conditions": [], "seed": 2}

    once = with_told(page, record_of(CAMPAIGN, another))

    assert once.startswith(f"before\n{BEGIN}\n")
    assert once.endswith(f"{END}\nafter\n")
    assert "old" not in once
    assert "| transactions applied, each once | 2,000 |" in once
    assert "| of them found something | 1 |" in once
    assert "| hours of faults | 1.0 |" in once
    assert "| kill daemon | 4 |" in once
    assert "| mysql-gtid | 3 | 2 | 2 |" in once
    assert "| tls | 1 |" in once
    assert "| usual | 1 |" in once
    assert "| mysql 9.7.4 | 2 |" in once
    assert "| different seeds | 2 |" in once
    assert "95 MB" in once
    assert with_told(once, record_of(CAMPAIGN)) != once


def test_a_record_is_kept_and_read_again() -> None:
    record = record_of(CAMPAIGN)

    assert Record.from_json(record.to_json()) == record


def test_a_campaign_is_added_to_the_record_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, page, campaigns = (tmp_path / name for name in ("record.json", "page.md", "new.jsonl"))
    kept.write_text(record_of(CAMPAIGN).to_json())
    page.write_text(f"{BEGIN}{END}")
    campaigns.write_text(json.dumps(CAMPAIGN) + "\n")
    monkeypatch.setattr(report, "RECORD", kept)
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(report, "ROOT", tmp_path)

    report.main(campaigns)
    report.main(campaigns)

    assert Record.from_json(kept.read_text()).campaigns == 2
    assert "| faults | 6 |" in page.read_text()


def test_the_page_tells_the_record() -> None:
    page, record = PAGE.read_text(), Record.from_json(RECORD.read_text())

    assert with_told(page, record) == page
    assert told(record) in page
