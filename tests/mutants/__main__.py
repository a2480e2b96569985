"""`python -m tests.mutants [WORD]`: make each mistake in a copy; the tests must notice it.

With --campaigns fault campaigns must. Exits with 1 if a mistake goes unnoticed, or if the tests or
campaigns fail without one.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from tests.mutants import campaign_trial
from tests.mutants.campaign_trial import CannotJudge, Violation
from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant
from tests.mutants.trial import CannotRun, copy_of_the_project, failing


@click.command()
@click.argument("words", nargs=-1)
@click.option("--campaigns", is_flag=True, help="Have fault campaigns notice them, not tests.")
def mutants(words: tuple[str, ...], campaigns: bool) -> None:
    """Try the mistakes whose names hold all the words."""
    chosen = [each for each in MUTANTS if all(word in each.name for word in words)]
    if not chosen:
        print("no mistake has all of these words in its name:", *words)
        sys.exit(1)
    with copy_of_the_project() as tree:
        sys.exit((_by_campaigns if campaigns else _by_tests)(chosen, tree))


def _by_tests(chosen: Sequence[Mutant], tree: Path) -> int:
    tests = list(dict.fromkeys(test for each in chosen for test in each.tests))
    if broken := failing(tree, tests):
        print("fails without any mistake:", *broken, sep="\n  ")
        return 1
    print("without a mistake: all of", len(tests), "pass", flush=True)
    survivors = [each for each in chosen if not _is_killed(each, tree)]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mistakes were noticed")
    return 1 if survivors else 0


def _is_killed(mutant: Mutant, tree: Path) -> bool:
    before = mutant.apply(tree)
    started = time.monotonic()
    try:
        failed = failing(tree, mutant.tests)
    except CannotRun as error:
        failed = []
        print(error)
    finally:
        (tree / mutant.file).write_text(before)
    what = f"killed by {failed[0].rpartition('::')[2]}" if failed else "SURVIVED"
    print(f"{mutant.name}\n    {what} ({time.monotonic() - started:.0f} s)", flush=True)
    return bool(failed)


def _by_campaigns(chosen: Sequence[Mutant], tree: Path) -> int:
    unseen = [each for each in chosen if not each.campaign]
    for each in unseen:
        print(f"{each.name}\n    no campaign can notice it: {each.unseen}")
    tried = [each for each in chosen if each.campaign]
    campaigns = list(dict.fromkeys(each.campaign for each in tried))
    if found := campaign_trial.found_in_each(tree, campaigns):
        print("finds something without any mistake:", *found.items(), sep="\n  ")
        return 1
    print("without a mistake: all of", len(campaigns), "campaigns pass", flush=True)
    noticed = [_noticed_by(each, tree) for each in tried]
    by_check = Counter(each.check for each in noticed if each)
    for check, count in by_check.most_common():
        print(f"{count:3} by: {check}")
    print(
        f"{sum(by_check.values())} of {len(chosen)} mistakes were noticed;"
        f" no campaign can notice {len(unseen)} of them"
    )
    return 1 if None in noticed else 0


def _noticed_by(mutant: Mutant, tree: Path) -> Violation | None:
    before = mutant.apply(tree)
    started = time.monotonic()
    try:
        found = campaign_trial.violation(tree, mutant.campaign)
    except CannotJudge as error:
        found = None
        print(error)
    finally:
        (tree / mutant.file).write_text(before)
    what = f"noticed by: {found.check}\n    {found.text[:200]}" if found else "SURVIVED"
    print(f"{mutant.name}\n    {what} ({time.monotonic() - started:.0f} s)", flush=True)
    return found


if __name__ == "__main__":
    mutants()
