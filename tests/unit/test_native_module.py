"""Which native module is used, and what is said of one that is not."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from cdc import native


def module(**contents: object) -> ModuleType:
    found = ModuleType("cdc_native")
    vars(found).update(contents)
    return found


@pytest.mark.parametrize(
    ("installed", "state"),
    [
        (None, "not installed"),
        (module(INTERFACE=native.INTERFACE - 1), "of another version: interface"),
        (module(), "cannot be loaded: its files are not all there"),
    ],
    ids=["none", "of another version", "a folder that an uninstallation left"],
)
def test_a_module_that_does_not_fit_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, installed: ModuleType | None, state: str
) -> None:
    monkeypatch.delenv(native.VARIABLE, raising=False)
    if installed is None:
        monkeypatch.setattr(sys, "path", [])
        monkeypatch.delitem(sys.modules, "cdc_native", raising=False)
    else:
        monkeypatch.setitem(sys.modules, "cdc_native", installed)

    found, said = native._load()

    assert found is None
    assert said.startswith(state)
