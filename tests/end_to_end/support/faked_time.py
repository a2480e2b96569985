"""What a process needs that libfaketime is preloaded to."""

from __future__ import annotations

import os
import threading
import time


def prepare() -> None:
    """Have `time.sleep` wait otherwise: of what it asks the system, libfaketime refuses some."""
    if "libfaketime" in os.environ.get("LD_PRELOAD", ""):
        vars(time).update(sleep=lambda seconds: threading.Event().wait(seconds))
