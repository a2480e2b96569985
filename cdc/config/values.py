"""Building blocks of settings: their base class, numbers, and files that must exist."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from cdc.errors import UsageError


class Settings(BaseModel):
    """Settings that reject unknown keys, and never show their values."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True
    )


def _not_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def _from_directory(value: Any, info: ValidationInfo) -> Any:
    """Resolve a relative path from the configuration's folder; check that the file is readable."""
    if not isinstance(value, str | Path):
        return value
    directory = (info.context or {}).get("directory", Path())
    try:
        path = Path(directory, Path(value).expanduser())
        if not _is_file(path):
            raise ValueError(f"there is no file {path}")
        if not os.access(path, os.R_OK):
            raise ValueError(f"the file {path} may not be read by this user")
    except (OSError, RuntimeError) as error:  # too long a name, or the home of an unknown user
        raise ValueError(f"it can name no file: {error}") from error
    return path


def _is_file(path: Path) -> bool:
    """Return whether it is a file; unlike Python 3.14's own, raise OSError for too long a name."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


Whole = Annotated[int, BeforeValidator(_not_bool)]
Number = Annotated[float, BeforeValidator(_not_bool), Field(allow_inf_nan=False)]
ReadableFile = Annotated[Path, BeforeValidator(_from_directory)]


def text_of(path: Path, key: str) -> str:
    """Return a file's text; raises UsageError, which names its key, if it is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{key} cannot be read: {path}",
            remedy="make it a UTF-8 file that this user may read",
        ) from error
