"""Has a preview drawn by a process that is given its time, and the portal's account at MySQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import BoundedSemaphore
from typing import Final

from django.conf import settings

import portal
from portal.dashboards.preview.drawn import Account, Drawn, Question
from portal.dashboards.preview.program import SECONDS, TOO_LARGE

# -P: of the working directory nothing is imported.
_PROGRAM: Final = (sys.executable, "-P", "-m", "portal.dashboards.preview.program")
_CHECKOUT: Final = Path(portal.__file__).parents[1]
_DEFAULT_PORT: Final = 3306

# The kernel's signals, and that by which native code ends where it gets no memory.
_OVER_ITS_LIMITS: Final = (TOO_LARGE, -signal.SIGKILL, -signal.SIGXCPU, -signal.SIGABRT)

AT_ONCE: Final = 2
"""The previews that are drawn at once by each process of the portal: each takes a thread of it."""

_drawing: Final = BoundedSemaphore(AT_ONCE)


class Failed(Exception):
    """The program ended by an error of its own; the message is its traceback."""


def draw(*, rows: int, mapping: str = "", text: str | None = None) -> Drawn:
    """Return the preview of a mapping's file, or of a text in its place.

    `mapping` is a file's name, by default that of the mapping that shows most; `rows` is 0 for
    none. One too many at once is not drawn.
    """
    if not _drawing.acquire(blocking=False):
        return Drawn(problem="Others have previews drawn just now. Ask again in a moment.")
    try:
        return _drawn(rows, mapping, text)
    finally:
        _drawing.release()


def _drawn(rows: int, mapping: str, text: str | None) -> Drawn:
    if settings.DATABASES["default"]["HOST"].startswith("/"):
        return Drawn(problem="PORTAL_DATABASE_URL names a socket: rows are read by a host alone.")
    question = Question(
        config=str(settings.CDC_CONFIG),
        stream=settings.CDC_NAME,
        account=_account(),
        rows=rows,
        mapping=mapping,
        text=text,
    )
    try:
        done = subprocess.run(
            _PROGRAM,
            input=question.to_json(),
            env=_environment(),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Drawn(
            problem=f"It took longer than {SECONDS} seconds, and was ended: MySQL does not answer,"
            " the mapping asks for too much, or this machine does much else."
        )
    if done.returncode in _OVER_ITS_LIMITS:
        return Drawn(problem="It took more memory or time than a preview may have, and was ended.")
    if done.returncode:
        raise Failed(done.stderr)
    return Drawn.from_json(done.stdout)


def _environment() -> dict[str, str]:
    """Return the variables that cdc.yaml may name, and none of the portal's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    path = os.environ.get("PYTHONPATH")
    return {**kept, "PYTHONPATH": f"{_CHECKOUT}{os.pathsep}{path}" if path else str(_CHECKOUT)}


def _account() -> Account:
    database = settings.DATABASES["default"]
    return Account(
        host=database["HOST"] or "localhost",
        port=int(database["PORT"] or _DEFAULT_PORT),
        user=database["USER"],
        password=database["PASSWORD"],
        ca=database["OPTIONS"].get("ssl", {}).get("ca", ""),
    )
