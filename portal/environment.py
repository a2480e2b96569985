"""Reads settings from the environment."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from cdc.terminal.pages import page

_FLAGS = {"1": True, "true": True, "yes": True, "on": True}
_FLAGS |= {"0": False, "false": False, "no": False, "off": False, "": False}


def text(name: str, default: str = "") -> str:
    """Return a variable's value."""
    return os.environ.get(name, default)


def required(name: str) -> str:
    """Return a variable's value; stops with a message if it is missing."""
    if not (value := os.environ.get(name, "")):
        held = f"{page('portal', 'settings')} tells what it holds"
        raise ImproperlyConfigured(f"{name} is not set; {held}")
    return value


def secret(name: str, default: str | None = None) -> str:
    """Return a secret: the value of NAME, or the content of the file that NAME_FILE names.

    Without a default it is required.
    """
    if file := os.environ.get(f"{name}_FILE", ""):
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            told = f"{name}_FILE is {file}, which cannot be read: {error.strerror}"
            raise ImproperlyConfigured(told) from error
    return required(name) if default is None else text(name) or default


def flag(name: str, *, default: bool) -> bool:
    """Return a yes or no; stops with a message for anything else."""
    value = os.environ.get(name)
    if value is None:
        return default
    if value.lower() not in _FLAGS:
        raise ImproperlyConfigured(f"{name} is {value!r}: write 1 or 0")
    return _FLAGS[value.lower()]


def number(name: str, default: int) -> int:
    """Return a whole number."""
    value = text(name, str(default))
    if not value.isdecimal():
        raise ImproperlyConfigured(f"{name} is {value!r}: write a whole number")
    return int(value)


def words(name: str) -> list[str]:
    """Return a list, its members separated by commas."""
    return [word.strip() for word in text(name).split(",") if word.strip()]
