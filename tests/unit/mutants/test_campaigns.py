"""The campaigns that mistakes are tried in can be run, and what they find is told apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.__main__ import _conditions, faults
from tests.faults.checkers import (
    Forward,
    HonestLag,
    NeverBack,
    Violations,
    WholeOrders,
    WholeTransactions,
    compare_foreign,
    compare_history,
    compare_ledger,
    compare_rows,
    judge_end,
    judge_memory,
    judge_rest,
)
from tests.faults.follower import Follower
from tests.faults.schedule import Kind, possible
from tests.faults.topology import Topology
from tests.mutants.campaign_trial import FOUND, UNHEALED, CannotJudge, Violation, arguments, judged
from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant
from tests.support.faults import TWICE

TRIED = [each for each in MUTANTS if each.campaign]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mistake_is_for_a_campaign_to_notice_or_says_why_not(mutant: Mutant) -> None:
    assert bool(mutant.campaign) != bool(mutant.unseen)


@pytest.mark.parametrize("options", dict.fromkeys(each.campaign for each in TRIED))
def test_a_campaign_has_a_topology_that_can_suffer_its_faults(options: str) -> None:
    asked = faults.make_context("faults", arguments(options)).params

    [kind] = asked["kinds"]
    topology = Topology(
        kind, int(asked["members"]), asked["daemons"], _conditions(asked["conditions"])
    )
    wanted = {*map(Kind, asked["faults"].split(","))}
    assert wanted <= {*possible(topology)}
    assert asked["campaigns"] == 1


def _seen(look: Callable[[Violations], Any]) -> str:
    violated = Violations()
    look(violated)
    [found] = violated.found
    return found


def _goes_back(violated: Violations) -> None:
    checker = NeverBack(violated)
    checker.see(1, 7)
    checker.see(1, 6)


def _state_goes_back(violated: Violations) -> None:
    state = {"epoch": 2, "sequence": 5, "position": {"gtid": "u:1-5"}}
    checker = Forward(violated)
    checker.see(state)
    checker.see({**state, "position": {"gtid": "u:1-4"}})


@pytest.mark.parametrize(
    ("look", "check"),
    [
        (lambda it: compare_ledger(["a", "a"], ["a"], it), "each transaction is applied once"),
        (lambda it: compare_ledger([], ["a"], it), "each transaction is applied once"),
        (lambda it: compare_ledger(["a"], [], it), "each transaction is applied once"),
        (lambda it: compare_rows("words", {1: {}}, {}, it), "both sides are equal"),
        (lambda it: it("verify ended with 1: 3 different"), "both sides are equal"),
        (lambda it: it("verify shop.a ended with 1: "), "a job or command does what it says"),
        (lambda it: it("resync shop.a ended with 1: "), "a job or command does what it says"),
        (lambda it: it("a retry ended with 1: "), "a job or command does what it says"),
        (lambda it: compare_history({1: 2}, [], it), "each change is kept once"),
        (lambda it: WholeTransactions(3, it).see([]), "no reader sees half a transaction"),
        (
            lambda it: WholeOrders(it).see([{"_id": 1, "lines": [{}]}], []),
            "no reader sees half a transaction",
        ),
        (lambda it: compare_foreign([{"_id": 1}], [], it), "what is somebody else's stays"),
        (_goes_back, "no document goes back"),
        (
            lambda it: Follower("a", it).compare({1: {"id": 1}}, is_whole=True),
            "what is published can be relied on",
        ),
        (_state_goes_back, "the checkpoint moves forward"),
        (
            lambda it: HonestLag(it).see(committed=9, applied=7, state="active", lag=0),
            "the lag is honest",
        ),
        (
            lambda it: judge_rest({"state": "active", "lag_seconds": 9, "bytes_behind": 0}, it),
            "the lag is honest",
        ),
        (lambda it: judge_end(1, [], "", it), "a daemon ends as expected"),
        (
            lambda it: judge_end(0, [], "Traceback (most recent call last)", it),
            "a daemon ends as expected",
        ),
        (lambda it: judge_end(0, [], f"{TWICE}7", it), "each transaction is applied once"),
        (lambda it: judge_memory(2, 1, it), "memory is bounded"),
        (lambda it: it("it did not heal: 600 s"), UNHEALED),
        (lambda it: it("the campaign failed: "), "another"),
    ],
)
def test_a_violation_tells_what_noticed_it(look: Callable[[Violations], Any], check: str) -> None:
    assert Violation(_seen(look)).check == check


def test_what_a_campaign_tells_first_is_what_it_found() -> None:
    told = ["campaign 1: mysql\n", f"{FOUND}a daemon took 900 MB\n", f"{FOUND}another\n"]

    assert judged(told, 1, is_late=False) == Violation("a daemon took 900 MB")
    assert judged(told[:1], 0, is_late=False) is None


def test_a_campaign_that_goes_on_for_long_does_not_heal() -> None:
    found = judged(["campaign 1: mysql\n"], 1, is_late=True)

    assert found is not None
    assert found.check == UNHEALED


@pytest.mark.parametrize(
    "told", [f"{FOUND}the campaign failed: Traceback", f"{FOUND}a nemesis failed: ", "no server"]
)
def test_a_campaign_that_fails_itself_judges_nothing(told: str) -> None:
    with pytest.raises(CannotJudge, match=r"failed|no server"):
        judged([told], 1, is_late=False)
