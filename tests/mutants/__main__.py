"""`python -m tests.mutants [WORD]`: make each mistake in a copy; the tests must notice it.

Exits with 1 if a mistake goes unnoticed, or if the tests fail without one.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant
from tests.mutants.trial import CannotRun, copy_of_the_project, failing


def main(words: Sequence[str]) -> int:
    """Try the mutants whose names hold all the words."""
    chosen = [each for each in MUTANTS if all(word in each.name for word in words)]
    if not chosen:
        print("no mistake has all of these words in its name:", *words)
        return 1
    tests = list(dict.fromkeys(test for each in chosen for test in each.tests))
    with copy_of_the_project() as tree:
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
