"""Why a stream's last daemon ended, if nobody had asked it to.

It stands in the state document as `ended_by`, written as the lease is released, and until the next
takeover: {at, epoch, error, message, remedy, exit_code}. What holds a row's values is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from cdc.errors import CdcError, Defect

ENDED_BY: Final = "ended_by"
MOST_LETTERS: Final = 2_000
"""Of a message, and of a remedy: the log has all of it."""


@dataclass(frozen=True, slots=True)
class LastEnd:
    """`error` is the name of its class, `message` says what happened and where.

    `at` is by the target's clock.
    """

    at: datetime
    error: str
    message: str
    remedy: str | None
    exit_code: int

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> Self | None:
        """Read it from a state document; None if there is none.

        A version that knows nothing of it leaves it as it was: it is of an earlier epoch then. So
        is what somebody has edited.
        """
        found = (document or {}).get(ENDED_BY)
        if not isinstance(found, Mapping) or found.get("epoch") != (document or {}).get("epoch"):
            return None
        at, error, message = (found.get(name) for name in ("at", "error", "message"))
        if not isinstance(at, datetime):
            return None
        remedy, code = found.get("remedy"), found.get("exit_code")
        return cls(
            at if at.tzinfo else at.replace(tzinfo=UTC),
            str(error),
            str(message),
            None if remedy is None else str(remedy),
            code if isinstance(code, int) else 1,
        )

    def to_facts(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {
            "at": self.at.isoformat(),
            "error": self.error,
            "message": self.message,
            "remedy": self.remedy,
            "exit_code": self.exit_code,
        }


def to_fields(error: Exception, epoch: int) -> dict[str, Any]:
    """Return what sets it in an update by a pipeline, for what has ended the daemon."""
    told = error if isinstance(error, CdcError) else Defect.of(error)
    literal = {
        "epoch": epoch,
        "error": type(told).__name__,
        "message": told.placed[:MOST_LETTERS],
        "remedy": None if told.remedy is None else told.remedy[:MOST_LETTERS],
        "exit_code": told.exit_code,
    }
    fields = {name: {"$literal": _storable(value)} for name, value in literal.items()}
    return {ENDED_BY: {"at": "$$NOW", **fields}}


def _storable(value: Any) -> Any:
    """Return a value that BSON takes: what another program said may hold bytes of no charset."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-8", "backslashreplace").decode()
