"""Reads mapping files and reports every mistake in them."""

from __future__ import annotations

from collections.abc import Mapping as Keyed
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cdc.config.time_zone import UTC_NAME
from cdc.config.yaml12 import Path as KeyPath
from cdc.config.yaml12 import YamlMistake, parse, read
from cdc.mapping.file.consistency import own_mistakes
from cdc.mapping.file.embed_graph import embed_mistakes
from cdc.mapping.file.embeds import Embed
from cdc.mapping.file.empty_keys import take_valueless
from cdc.mapping.file.fields import NO_EXPRESSION
from cdc.mapping.file.histories import History, history_mistakes
from cdc.mapping.file.ignored_tables import ignored_mistakes
from cdc.mapping.file.mapping import (
    FieldSource,
    IdExpression,
    IdPart,
    Index,
    Mapping,
    Origin,
    SoftDelete,
    Truncate,
)
from cdc.mapping.file.problems import MappingError, Problem, did_you_mean
from cdc.mapping.file.shard_keys import shard_key_mistakes
from cdc.mapping.file.targets import target_mistakes
from cdc.mapping.file.text_keys import make_text


def load_mappings(
    paths: Sequence[str],
    *,
    relative_to: Path,
    mask_key: bytes = b"",
    ignored: Sequence[str] = (),
    stream: str = "",
    time_zone: str = UTC_NAME,
) -> tuple[Mapping, ...]:
    """Read the files of `paths` (names or globs), in order; `mask_key` is for hashes.

    `stream` is the name of the stream that they are of, `time_zone` that of its DATETIME columns;
    `ignored` are patterns of tables that none may follow. Raises one MappingError with all the
    mistakes of all the files.
    """
    mappings, mistakes = read_mappings(
        paths,
        relative_to=relative_to,
        mask_key=mask_key,
        ignored=ignored,
        stream=stream,
        time_zone=time_zone,
    )
    if mistakes:
        raise MappingError(mistakes)
    return mappings


def read_mappings(
    paths: Sequence[str],
    *,
    relative_to: Path,
    mask_key: bytes = b"",
    ignored: Sequence[str] = (),
    stream: str = "",
    time_zone: str = UTC_NAME,
    texts: Keyed[Path, str] = MappingProxyType({}),
) -> tuple[tuple[Mapping, ...], tuple[Problem, ...]]:
    """As `load_mappings`, but return the mistakes beside the mappings that can be read.

    If there are any, the mappings serve only to find more. `texts` are read in place of what their
    files hold.
    """
    mistakes: list[Problem] = []
    mappings: list[Mapping] = []
    for file in _files(paths, relative_to, mistakes):
        mapping = _load(file, texts.get(file), mistakes)
        if mapping is not None:
            mappings.append(mapping.bind(mapping.origin, mask_key, stream, time_zone))
            mistakes += own_mistakes(mapping)
    mistakes += target_mistakes(mappings)
    mistakes += shard_key_mistakes(mappings)
    mistakes += embed_mistakes(mappings)
    mistakes += history_mistakes(mappings)
    mistakes += ignored_mistakes(mappings, ignored)
    return tuple(mappings), tuple(mistakes)


def _files(paths: Sequence[str], relative_to: Path, mistakes: list[Problem]) -> list[Path]:
    files: dict[Path, None] = {}
    for path in paths:
        base = Path(path)
        root = Path(base.anchor) if base.is_absolute() else relative_to
        found = sorted(root.glob(str(base.relative_to(base.anchor))))
        if not found:
            mistakes.append(Problem(relative_to / path, 1, "no such mapping file"))
        files |= dict.fromkeys(found)
    return list(files)


def _load(file: Path, text: str | None, mistakes: list[Problem]) -> Mapping | None:
    try:
        marked = read(file) if text is None else parse(text)
    except YamlMistake as error:
        mistakes.append(Problem(file, error.line, f"{error.what}: {error.remedy}"))
        return None
    except OSError as error:
        mistakes.append(Problem(file, 1, f"cannot be read: {error}"))
        return None
    origin = Origin.of(file, marked)
    if not isinstance(marked.data, dict):
        mistakes.append(Problem(file, 1, "must hold `source:` and `target:`"))
        return None
    mapping = _validated(marked.data, origin, mistakes)
    return None if mapping is None else mapping.bind(origin)


def _validated(data: dict[str, object], origin: Origin, mistakes: list[Problem]) -> Mapping | None:
    textless = tuple(make_text(data))
    for path in textless:
        what = f"the key `{_dotted(path)}` must be text: write it in quotes"
        mistakes.append(origin.mistake(path, what))
    valueless = tuple(take_valueless(data))
    for path in valueless:
        what = f"`{_dotted(path)}` has no value: write one, or leave the key out"
        mistakes.append(origin.mistake(path, what))
    try:
        mapping = Mapping.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        told = [each for each in details if _written(each) not in {*textless, *valueless}]
        mistakes += [_told(each, origin) for each in told]
        return _rest(data, details)
    return mapping


def _rest(data: dict[str, object], wrong: Sequence[ErrorDetails]) -> Mapping | None:
    """Return the mapping without its mistakes; None if the rest would mean something else."""
    unknown = [each for each in wrong if each["type"] == "extra_forbidden"]
    return _without(data, wrong, unknown) or _without(data, wrong, ())


def _without(
    data: dict[str, object], wrong: Sequence[ErrorDetails], unknown: Sequence[ErrorDetails]
) -> Mapping | None:
    """Return the mapping without what is wrong; a field keeps all but the `unknown` keys."""
    fields = data.get("fields")
    fields = dict(fields) if isinstance(fields, dict) else None
    kept = {**data, "fields": fields}
    for each in wrong:
        key, *below = each["loc"]
        if key in ESSENTIAL:
            return None
        if key == "fields" and below and fields is not None:
            rule = fields.pop(below[0], None)
            if each in unknown and isinstance(rule, dict) and len(below) == 2:
                fields[below[0]] = {name: rule[name] for name in rule if name != below[1]}
        else:
            kept.pop(str(key), None)
    try:
        return Mapping.model_validate(kept)
    except ValidationError:
        return None


ESSENTIAL = ("source", "target", "id", "exclude", "case")
"""The keys without which other keys would be wrong."""


def _general(path: KeyPath) -> KeyPath:
    """Return the path without numbers, and without the name of its field."""
    path = (path[0], *path[2:]) if path[:1] in {("fields",), ("embed",)} else path
    return tuple(name for name in path if isinstance(name, str))


KNOWN_KEYS: dict[KeyPath, tuple[str, ...]] = {
    (): (*Mapping.model_fields,),
    ("fields",): (*FieldSource.model_fields,),
    ("fields", "mask"): (*Truncate.model_fields,),
    ("id",): (*IdPart.model_fields, *IdExpression.model_fields),
    ("on_delete",): (*SoftDelete.model_fields,),
    ("indexes",): (*Index.model_fields,),
    ("embed",): (*Embed.model_fields,),
    ("history",): (*History.model_fields,),
}


MUST_BE: dict[str, str] = {
    "bool_type": "must be true or false",
    "dict_type": "must hold keys and their values",
    "int_type": "must be a whole number",
    "model_type": "must hold keys and their values",
    "string_too_short": "must not be empty",
    "string_type": "must be text",
    "too_short": "must not be empty",
    "tuple_type": "must be a list",
}
"""What pydantic says in Python's words, and what cdc says instead."""


ONE_OR_KEYS: dict[KeyPath, str] = {
    ("embed", "on"): "must be a field, or {our field: their field}",
    ("embed", "fields"): "must be a list of fields, or {our name: their field}",
    ("history",): "must be a collection, or {collection: …, keep_days: …}",
}
"""The keys that may be written in a shorter form than with keys of their own."""


OR_ELSE: dict[KeyPath, str] = {
    ("fields", "mask"): " or {truncate: …}",
    ("on_delete",): " or {set: …}",
}
"""The values that are allowed in a key's place."""


def _written(details: ErrorDetails) -> KeyPath:
    """Return the path as it is written, without pydantic's additions."""
    return tuple(
        part for part in details["loc"] if part != "[key]" and not str(part).startswith("@")
    )


def _dotted(path: KeyPath) -> str:
    return ".".join(map(str, path))


def _told(details: ErrorDetails, origin: Origin) -> Problem:
    path = _written(details)
    name = _dotted(path)
    match details["type"]:
        case kind if kind == NO_EXPRESSION:
            place = details["ctx"]
            what = f"`{name}`: {place['what']}"
            return origin.mistake_in(path, place["sql"], place["at"], what)
        case "missing":
            what = f"`{name}` is missing"
        case "extra_forbidden" if path[:1] == ("embed",) and path[-1] in Mapping.model_fields:
            what = f"`{path[-1]}` is a key of a whole mapping"
            what += ": write it beside its `source` and `target`"
        case "extra_forbidden":
            known = KNOWN_KEYS.get(_general(path[:-1]) if path[:-1] else (), ())
            what = f"unknown key `{path[-1]}`{did_you_mean(str(path[-1]), known)}"
        case "dict_type" | "model_type" if (general := _general(path)) in ONE_OR_KEYS:
            what = f"`{name}`: {ONE_OR_KEYS[general]}"
        case kind if kind in MUST_BE:
            what = f"`{name}`: {MUST_BE[kind]}"
        case _:
            message = details["msg"].removeprefix("Value error, ")
            what = f"`{name}`: {message.replace('Input should be', 'must be')}"
            what += OR_ELSE.get(_general(path), "") if kind == "literal_error" else ""
    return origin.mistake(path, what)
