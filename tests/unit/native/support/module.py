"""The native module, for tests that compare it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from cdc.native import native


def _loaded() -> Any:
    """The module also where CDC_NATIVE=0 leaves it alone; None where it is not installed."""
    try:
        return native or import_module("cdc_native")
    except ImportError:
        return None


NATIVE: Any = _loaded()

needs_native = pytest.mark.skipif(
    NATIVE is None, reason="the native module is not installed: `make` builds it where cargo is"
)
