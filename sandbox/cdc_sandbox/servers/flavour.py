"""The kinds of server."""

from __future__ import annotations

from typing import Literal, get_args

Flavour = Literal["mysql", "mariadb"]
"""The two kinds of source server."""

Name = Literal["mysql", "mariadb", "mongo"]
NAMES: tuple[Name, ...] = get_args(Name)
