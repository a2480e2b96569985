from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cdc.model.job import JobState
from cdc.model.lease import this_process
from cdc.observability.fleet import told
from cdc.writers.fleet import StreamRecord

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def record(
    name: str, *, active: bool = True, jobs: dict[JobState, int] | None = None, **state: Any
) -> StreamRecord:
    lease = NOW + timedelta(seconds=5) if active else None
    saved = {"_id": name, "now": NOW, "lease_until": lease, "lag_seconds": 0.0}
    owner = this_process().to_document()
    return StreamRecord({**saved, "owner": owner, **state}, jobs or {}, 0, 0)


def test_the_worst_comes_first() -> None:
    found = told(
        [
            record("well"),
            record("behind", lag_seconds=70.0),
            record("unknown", lag_seconds=None),
            record("failed", jobs={JobState.FAILED: 1}),
            record("stopped", active=False),
        ]
    )

    assert [each["stream"] for each in found] == ["stopped", "failed", "unknown", "behind", "well"]


@pytest.mark.parametrize(("active", "word"), [(True, "running"), (False, "interrupted")])
def test_a_job_that_nobody_works_on_is_interrupted(active: bool, word: str) -> None:
    [found] = told([record("shop", active=active, jobs={JobState.RUNNING: 1})])

    assert found["jobs"] == {word: 1}


@pytest.mark.parametrize(
    "edited",
    [{"lease_until": "tomorrow"}, {"position": 7}, {"lag_seconds": "none", "lag_at": "now"}],
)
def test_a_document_that_somebody_has_edited_hides_no_other(edited: dict[str, Any]) -> None:
    found = told([record("edited", **edited), record("well")])

    assert {each["stream"] for each in found} == {"edited", "well"}
