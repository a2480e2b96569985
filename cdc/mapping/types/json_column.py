"""A MySQL JSON column: by the native module, or else by transcoders that are generated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cdc.mapping.codegen.emitter import Emitter, Size, Value
from cdc.mapping.types import json, json_shapes
from cdc.mapping.types.encoder import UNUSUAL, Encoder, Raw
from cdc.mapping.types.json import Encoded
from cdc.native import native


def fastest() -> Callable[[bytes], Encoded]:
    """Return the fastest way to convert ordinary values; it may raise for others."""
    if native is None:
        return json_shapes.transcode
    by_native, by_definition = native.transcode_json, json.transcode
    return lambda data: by_native(data) or by_definition(data)


_FASTEST = fastest()


def transcode(data: bytes) -> Encoded:
    """Convert as `json.transcode` does, ordinary values by the fastest way."""
    try:
        return _FASTEST(data)
    except UNUSUAL:
        return json.transcode(data)


@dataclass(frozen=True, slots=True)
class Json(Encoder):
    """A MySQL JSON column as native BSON."""

    def convert(self, raw: bytes) -> Encoded:
        """Convert with the reference implementation."""
        return json.transcode(raw)

    def emit(self, code: Emitter, raw: Raw) -> Value:
        """Call the fastest function."""
        name = raw.name
        code.line(f"t_{name}, v_{name} = {code.bind('transcode_json', _FASTEST)}({name})")
        return Value(f"t_{name}", (f"v_{name}",), Size(0, (f"len(v_{name})",)))
