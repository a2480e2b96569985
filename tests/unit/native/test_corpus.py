"""What the fuzzer kept of the native module: `make fuzz` looks for more."""

from __future__ import annotations

import pytest

from tests.fuzz import corpus
from tests.fuzz.targets import TWO_SPEEDS
from tests.unit.native.support.module import needs_native


@needs_native
@pytest.mark.parametrize("target", TWO_SPEEDS)
def test_the_two_speeds_agree_on_what_the_fuzzer_kept(target: str) -> None:
    kept = corpus.inputs(target)

    for each in kept:
        TWO_SPEEDS[target].tried(each)

    assert len(kept) > 30
