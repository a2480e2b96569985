from __future__ import annotations

import ast

import pytest

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant
from tests.mutants.trial import PROJECT

EACH = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


@EACH
def test_a_mistake_can_still_be_made_in_the_source(mutant: Mutant) -> None:
    source = (PROJECT / mutant.file).read_text()

    changed = mutant.applied_to(source)

    assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(source))


@EACH
def test_the_tests_that_must_notice_it_exist(mutant: Mutant) -> None:
    for test in mutant.tests:
        file, _, name = test.partition("::")
        text = (PROJECT / file).read_text()
        assert f"def {name.partition('[')[0]}(" in text if name else "def test_" in text


def test_every_mistake_has_a_name_and_tests_of_its_own() -> None:
    assert len({each.name for each in MUTANTS}) == len(MUTANTS)
    assert all(each.tests for each in MUTANTS)
