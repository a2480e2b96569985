"""The ids that share constants: two sets of them can meet, or never do.

A compound id can hold constants, each at a field. Ids that hold different ones at one field are
never equal, whatever else they hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import reduce

IdSpace = Mapping[str, str | int]
"""What all ids hold, by field; nothing for all ids there are."""


def never_meet(one: IdSpace, other: IdSpace) -> bool:
    """Return whether no id belongs to both."""
    return any(one[field] != other[field] for field in one.keys() & other.keys())


def around(spaces: Iterable[IdSpace]) -> dict[str, str | int]:
    """Return the smallest space that holds all of these: the constants that they share."""
    shared = reduce(lambda one, other: dict(one.items() & other.items()), map(dict, spaces))
    return dict(sorted(shared.items()))


def told(space: IdSpace) -> str:
    """Return a space in words of a mapping: each field and what it holds."""
    return ", ".join(
        f"{field}: {json.dumps(value, ensure_ascii=False)}" for field, value in space.items()
    )
