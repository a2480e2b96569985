"""What the fuzzer kept: `make fuzz` looks for more."""

from __future__ import annotations

import pytest

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS
from tests.unit.native.support.module import needs_native


@needs_native
@pytest.mark.parametrize("target", TARGETS)
def test_the_two_speeds_agree_on_what_the_fuzzer_kept(target: str) -> None:
    kept = corpus.inputs(target)

    for each in kept:
        TARGETS[target](each)

    assert len(kept) > 30
