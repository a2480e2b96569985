"""Random JSON trees, and a document of one."""

from __future__ import annotations

from hypothesis import strategies as st

from cdc.mapping import bson_bytes

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.integers(-70_000, 70_000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)

KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)

TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=30
)


def document(encoded: tuple[bytes, bytes]) -> bytes:
    return bson_bytes.document(encoded[0] + b"j\0" + encoded[1])
