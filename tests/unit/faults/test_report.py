from __future__ import annotations

from tests.faults.report import BEGIN, END, PAGE, with_told

CAMPAIGN = {
    "kind": "mysql-gtid",
    "members": 3,
    "daemons": 2,
    "seed": 1,
    "faults": {"kill_daemon": 2, "lag": 1},
    "applied": 1000,
    "rows": 3000,
    "peak_megabytes": 90,
    "violations": [],
}


def test_campaigns_are_summed_up_in_their_place() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"

    once = with_told(page, [CAMPAIGN, {**CAMPAIGN, "violations": ["x"], "peak_megabytes": 95}])

    assert once.startswith(f"before\n{BEGIN}\n")
    assert once.endswith(f"{END}\nafter\n")
    assert "old" not in once
    assert "| transactions applied, each once | 2,000 |" in once
    assert "| of them found something | 1 |" in once
    assert "| kill daemon | 4 |" in once
    assert "| mysql-gtid | 3 | 2 | 2 |" in once
    assert "95 MB" in once
    assert with_told(once, [CAMPAIGN]) != once


def test_the_page_has_a_place_for_them() -> None:
    page = PAGE.read_text()

    assert 0 < page.index(BEGIN) < page.index(END)
