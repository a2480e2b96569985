"""The native functions, if the package `mysql-mongodb-cdc-native` is installed: `native/`.

Python has each of them too, and says what is right; `CDC_NATIVE=0` leaves them alone.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Final, Protocol, cast

VARIABLE: Final = "CDC_NATIVE"

INTERFACE: Final = 1
"""Raised with each change of a function below: a module of another number is left alone."""


class Native(Protocol):
    """What the native module does."""

    INTERFACE: int

    def encode_json_text(self, data: bytes, /) -> tuple[bytes, bytes] | None:
        """Return BSON type byte and value of a JSON text in UTF-8.

        None for what is left to Python: numbers beyond 64 bits, keys twice, what is no JSON.
        """
        ...

    def transcode_json(self, data: bytes, /) -> tuple[bytes, bytes] | None:
        """Return BSON type byte and value of an object or array of MySQL's binary JSON.

        None for what is left to Python: scalars, some opaque values, damaged bytes.
        """
        ...


def _load() -> tuple[Native | None, str]:
    if os.environ.get(VARIABLE) == "0":
        return None, f"off by {VARIABLE}=0"
    try:
        native = cast(Native, import_module("cdc_native"))
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "cdc_native"
        return None, "not installed" if missing else f"cannot be loaded: {error}"
    if native.INTERFACE != INTERFACE:
        return None, f"of another version: interface {native.INTERFACE}, not {INTERFACE}"
    return native, "in use"


native, state = _load()
"""The native module or None, and why, in words."""
