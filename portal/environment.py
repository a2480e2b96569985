"""Reads settings from the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

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


def database(name: str) -> Any:
    """Return the settings of the database whose URL it is; stops with a message for no URL.

    The message does not repeat it: it may hold a password.
    """
    try:
        found = dj_database_url.parse(secret(name), conn_max_age=60)
    except ValueError:
        found = {}
    if not found.get("HOST") or not found.get("NAME"):
        raise ImproperlyConfigured(f"{name} is no URL as mysql://USER:PASSWORD@HOST:3306/DATABASE")
    return found


def mongodb(name: str, default: str) -> str:
    """Return a MongoDB URI; stops with a message for anything else, which does not repeat it."""
    value = text(name, default)
    try:
        if not value.startswith("mongodb+srv://"):  # which asks a name server
            parse_uri(value)
    except (PyMongoError, ValueError) as error:
        raise ImproperlyConfigured(f"{name} is no URI as {default}") from error
    return value


def web_address(name: str, default: str) -> str:
    """Return the URL of a page; stops with a message for anything else."""
    value = text(name, default)
    try:
        parts = urlsplit(value)
        is_one = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, half an IPv6 address
        is_one = False
    if not is_one or not value.isprintable() or " " in value:
        raise ImproperlyConfigured(f"{name} is {value!r}: write a URL, as {default}")
    return value


def words(name: str) -> list[str]:
    """Return a list, its members separated by commas."""
    return [word.strip() for word in text(name).split(",") if word.strip()]
