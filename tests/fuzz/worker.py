"""One run of the fuzzer: `python -m tests.fuzz.worker TARGET [libFuzzer's options]`."""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["cdc", "http"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target.tried)
    atheris.Fuzz()
