"""What the fuzzer kept of formats, texts and requests: `make fuzz` looks for more."""

from __future__ import annotations

import pytest

from tests.fuzz import corpus
from tests.fuzz.targets import ONE_SPEED


@pytest.mark.parametrize("target", ONE_SPEED)
def test_what_the_fuzzer_kept_is_read_or_refused_by_name(target: str) -> None:
    kept = corpus.inputs(target)

    for each in kept:
        ONE_SPEED[target].tried(each)

    assert len(kept) > 20
