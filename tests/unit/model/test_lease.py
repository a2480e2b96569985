from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cdc.model import lease
from cdc.model.lease import LeaseWatch, Owner, holder, this_process
from tests.support.moved_clock import MovedClock
from tests.support.waiting import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def document(owner: Owner, *, seconds_left: float | None) -> dict[str, Any]:
    until = None if seconds_left is None else NOW + timedelta(seconds=seconds_left)
    return {"owner": owner.to_document(), "lease_until": until, "now": NOW}


def elsewhere() -> Owner:
    return Owner("other.example", 7, "instance", "another-boot/pid:[1]", "99")


def test_an_owner_reads_back_as_it_was_written() -> None:
    owner = this_process()

    assert Owner.from_document({**owner.to_document(), "session": b"x"}) == owner


def test_each_instance_is_another() -> None:
    assert this_process().instance != this_process().instance


def test_an_owner_holds_a_lease_that_has_not_expired() -> None:
    assert holder(document(elsewhere(), seconds_left=0.001)) == elsewhere()


@pytest.mark.parametrize("seconds_left", [0, -1, None])
def test_nobody_holds_a_lease_that_has_expired_or_was_given_back(
    seconds_left: float | None,
) -> None:
    assert holder(document(elsewhere(), seconds_left=seconds_left)) is None


def test_nobody_holds_the_lease_of_a_state_document_without_one() -> None:
    assert holder({"owner": None, "now": NOW}) is None


def test_a_process_that_lives_holds_its_lease() -> None:
    owner = this_process()

    assert not owner.is_gone()
    assert holder(document(owner, seconds_left=1)) == owner


def test_a_process_that_has_ended_on_this_machine_holds_no_lease() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    owner = replace(this_process(), pid=process.pid)

    assert owner.is_gone()
    assert holder(document(owner, seconds_left=1)) is None


def test_a_process_that_has_ended_is_not_mistaken_for_the_next_of_its_number() -> None:
    assert replace(this_process(), started="1").is_gone()


def test_a_process_that_nobody_has_waited_for_yet_is_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=-1)
    assert process.stdin is not None
    owner = replace(this_process(), pid=process.pid, started=_started(process.pid))
    assert not owner.is_gone()

    process.kill()

    eventually(owner.is_gone)
    process.stdin.close()
    process.wait()


def _started(pid: int) -> str:
    return lease._state_and_start(pid)[1]


@pytest.mark.parametrize("place", ["", "another-boot/pid:[1]"])
def test_of_a_process_that_ran_elsewhere_nothing_is_known(place: str) -> None:
    owner = replace(this_process(), pid=2**22 + 1, place=place)

    assert not owner.is_gone()


LASTS = 10
HOUR = 3_600


def seen(seconds_left: float, **fields: Any) -> dict[str, Any]:
    """A state document of a daemon on another machine, whose lease lasts 10 seconds."""
    found = document(elsewhere(), seconds_left=seconds_left)
    return found | {"_id": "orders", "epoch": 3, "lease_seconds": LASTS} | fields


def test_a_lease_that_nobody_renews_expires_though_the_targets_clock_was_set_back() -> None:
    clock = MovedClock()
    watch = LeaseWatch(clock)

    assert watch.holder(seen(HOUR)) == elsewhere()
    clock.now += LASTS
    assert watch.holder(seen(HOUR)) == elsewhere()
    clock.now += 0.1
    assert watch.holder(seen(HOUR)) is None


def test_a_lease_that_is_renewed_lasts_on_though_the_targets_clock_was_set_back() -> None:
    clock = MovedClock()
    watch = LeaseWatch(clock)
    assert watch.holder(seen(HOUR)) == elsewhere()

    for renewed in range(1, 9):
        clock.now += LASTS - 1
        assert watch.holder(seen(LASTS + renewed / 100)) == elsewhere()


def test_the_lease_of_another_epoch_is_another_lease() -> None:
    clock = MovedClock()
    watch = LeaseWatch(clock)
    watch.holder(seen(HOUR))
    clock.now += LASTS + 1

    assert watch.holder(seen(HOUR, epoch=4)) == elsewhere()


def test_a_lease_expires_by_the_targets_clock_however_short_it_was_watched() -> None:
    watch = LeaseWatch(MovedClock())

    lease = seen(1)

    assert watch.holder(lease) == elsewhere()
    assert watch.holder(lease | {"now": lease["lease_until"]}) is None


def test_a_lease_that_ended_before_its_batch_was_committed_lives_for_one_more_look() -> None:
    watch = LeaseWatch(MovedClock())
    assert watch.holder(seen(-1)) is None

    assert watch.holder(seen(-0.5)) == elsewhere()
    assert watch.holder(seen(-0.5)) is None


def test_a_lease_that_was_given_back_is_nobodys_though_it_was_seen_just_now() -> None:
    watch = LeaseWatch(MovedClock())
    watch.holder(seen(1))

    assert watch.holder(seen(1, lease_until=None)) is None
    assert watch.holder(seen(-1)) is None, "what was seen of it is forgotten"


def test_of_a_process_that_has_ended_no_renewal_counts() -> None:
    gone = replace(this_process(), started="1").to_document()
    watch = LeaseWatch(MovedClock())
    watch.holder(seen(-1))

    assert watch.holder(seen(1, owner=gone)) is None


def test_leases_of_several_documents_are_watched_apart() -> None:
    clock = MovedClock()
    watch = LeaseWatch(clock)
    watch.holder(seen(HOUR, _id="one"))
    clock.now += LASTS + 1

    assert watch.holder(seen(HOUR, _id="two")) == elsewhere()
    assert watch.holder(seen(HOUR, _id="one")) is None


def test_a_lease_that_does_not_say_how_long_it_lasts_is_judged_by_the_targets_clock_alone() -> None:
    clock = MovedClock()
    watch = LeaseWatch(clock)
    older = seen(HOUR)
    del older["lease_seconds"]  # as earlier versions wrote it
    watch.holder(older)
    clock.now += 2 * HOUR

    assert watch.holder(older) == elsewhere()
