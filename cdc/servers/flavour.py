"""The two kinds of source server."""

from __future__ import annotations

from typing import Literal

Flavour = Literal["mysql", "mariadb"]
