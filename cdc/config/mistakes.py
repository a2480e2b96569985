"""Formats mistakes in a settings file for the operator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cdc.config.yaml12 import Marked
from cdc.config.yaml12 import Path as KeyPath
from cdc.errors import UsageError
from cdc.terminal.nearest import nearest
from cdc.terminal.pages import page
from cdc.terminal.paths import whole


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: its key, what is wrong, and what to do (empty if `what` says it)."""

    key: KeyPath
    what: str
    remedy: str = ""


def usage_error(path: Path, marked: Marked, mistakes: Iterable[Mistake]) -> UsageError:
    """Combine all mistakes of one file into one error, in the order of the file."""
    placed = sorted(mistakes, key=lambda mistake: marked.line(mistake.key))
    return UsageError(
        "\n".join(_told(path, marked.line(mistake.key), mistake) for mistake in placed)
    )


def mistakes_of(error: ValidationError, model: type[BaseModel]) -> list[Mistake]:
    """Return pydantic's findings in the operator's words."""
    details = error.errors(include_input=False)
    return [_mistake(each, model) for each in details if not _follows(each, details)]


def _follows(details: ErrorDetails, others: Iterable[ErrorDetails]) -> bool:
    """Return whether a list is too short only because its items are wrong."""
    key = details["loc"]
    below = (each["loc"] for each in others if len(each["loc"]) > len(key))
    return details["type"] == "too_short" and any(each[: len(key)] == key for each in below)


def _told(path: Path, line: int, mistake: Mistake) -> str:
    text = f"{whole(path)}:{line}: {dotted(mistake.key)}: {mistake.what}"
    return f"{text}\n  remedy: {mistake.remedy}" if mistake.remedy else text


def dotted(key: KeyPath) -> str:
    """Format a key, as in `source.port`, `mappings[1]`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".") or "the file"


def _mistake(details: ErrorDetails, model: type[BaseModel]) -> Mistake:
    key = tuple(part for part in details["loc"] if not str(part).startswith("@"))
    match details["type"]:
        case "missing":
            meaning = f"{page('configuration', 'keys')} says what it means"
            return Mistake(key, "is missing", f"write it; {meaning}")
        case "extra_forbidden":
            return Mistake(key, "unknown key", _did_you_mean(key, model))
        case "model_type" | "dict_type" | "model_attributes_type":
            return Mistake(key, "must hold keys of its own", f"write them below `{key[-1]}:`")
        case "too_short":
            return Mistake(key, "is empty", "write at least one")
        case "string_type":
            return Mistake(key, "must be text", "put the value in quotes")
        case "int_parsing" | "int_type" | "int_from_float":
            return Mistake(key, "must be a whole number")
        case "float_parsing" | "float_type":
            return Mistake(key, "must be a number")
        case "bool_parsing" | "bool_type":
            return Mistake(key, "must be true or false")
    what = details["msg"].removeprefix("Value error, ")
    remedy = details.get("ctx", {}).get("remedy", "")
    return Mistake(key, what.replace("Input should be", "must be"), remedy)


def _did_you_mean(key: KeyPath, model: type[BaseModel]) -> str:
    known = list(_model_at(key[:-1], model).model_fields)
    if (near := nearest(str(key[-1]), known)) is not None:
        return f"did you mean `{near}`?"
    return f"keys here are {', '.join(known)}"


def _model_at(key: KeyPath, model: type[BaseModel]) -> type[BaseModel]:
    for part in key:
        model = _nested(model.model_fields[str(part)].annotation) or model
    return model


def _nested(annotation: Any) -> type[BaseModel] | None:
    """Find the model in an annotation, however it is wrapped."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_nested, get_args(annotation))), None)
