"""Draws one preview: a question on stdin, its answer on stdout; run by `asking`.

It is a process of its own, which ends in time and within its memory, whatever a mapping asks for.
"""

from __future__ import annotations

import resource
import sys
import traceback
from typing import Final

from portal.dashboards.preview.drawing import drawn
from portal.dashboards.preview.drawn import Question

SECONDS: Final = 10
MEMORY_BYTES: Final = 2 << 30
TOO_LARGE: Final = 3
"""The exit code if it needs more memory."""


def main() -> int:
    """Answer; an exception is told by its type and place, since its message may hold values."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        print(drawn(Question.from_json(sys.stdin.read())).to_json())
    except MemoryError:
        return TOO_LARGE
    except Exception as error:  # noqa: BLE001 - the boundary of the process
        print(*traceback.format_tb(error.__traceback__), type(error).__name__, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
