"""Finds what embeds name as a field and documents hold in `_id`, and spells the embeds right."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from cdc.mapping.file.embeds import ID, Embed

Places = Mapping[str, str]
"""By what a part of an id may be called where it stands: `_id`, or below it."""

_PLAIN: Final = re.compile(r"[A-Za-z_][\w.-]*")


def known_places(
    places: Places, renamed: Callable[[str], str], is_there: Callable[[str], bool]
) -> dict[str, str]:
    """Return the places of an id's columns under all their names, but those that are fields.

    `renamed` returns what a column would be called elsewhere.
    """
    found: dict[str, str] = {}
    for name, place in places.items():
        found |= dict.fromkeys((renamed(name), name, f"{ID}.{name}"), place)
    return {name: place for name, place in found.items() if not is_there(name)}


def hint(path: str, places: Places, line: str) -> str:
    """Return what to write if a field that is not there stands in the id; "" if it does not."""
    return f"; it is `{places[path]}`, so write `{line}`" if path in places else ""


def right_link(embed: Embed, ours: Places, theirs: Places) -> str:
    """Return the embed's `on` with the fields as they are."""
    pairs = ((ours.get(each.ours, each.ours), each.theirs) for each in embed.pairs)
    return f"on: {_mapping((our, theirs.get(their, their)) for our, their in pairs)}"


def right_fields(embed: Embed, theirs: Places) -> str:
    """Return the embed's `fields` with the fields as they are."""
    fields = (embed.fields or {}).items()
    return f"fields: {_mapping((name, theirs.get(path, path)) for name, path in fields)}"


def right_order(embed: Embed, theirs: Places) -> str:
    """Return the embed's `order` with the fields as they are."""
    return f"order: [{', '.join(_yaml(theirs.get(path, path)) for path in embed.order)}]"


def _mapping(pairs: Iterable[tuple[str, str]]) -> str:
    return f"{{{', '.join(f'{_yaml(key)}: {_yaml(value)}' for key, value in pairs)}}}"


def _yaml(name: str) -> str:
    """Return a name as YAML takes it; JSON's strings are YAML's."""
    is_word = _PLAIN.fullmatch(name) and name.lower() not in {"null", "true", "false"}
    return name if is_word else json.dumps(name, ensure_ascii=False)
