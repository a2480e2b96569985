"""A program that checks what is shipped."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

Tool = Callable[..., subprocess.CompletedProcess[str]]
