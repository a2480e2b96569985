"""The names of XA transactions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from cdc.errors import Retryable

MOST_NAMED: Final = 3


class Xid(NamedTuple):
    """A format, the global part and the branch; its text is what XA COMMIT takes."""

    format: int
    global_id: bytes
    branch: bytes

    def __str__(self) -> str:
        return f"X'{self.global_id.hex()}',X'{self.branch.hex()}',{self.format}"


def not_decided(waiting: Iterable[Xid]) -> Retryable:
    """Return the error that names the first few of the transactions that are waited for."""
    xids = sorted(waiting)
    first, count = xids[0], len(xids)
    named = "; ".join(map(str, xids[:MOST_NAMED])) + ("; and more" * (count > MOST_NAMED))
    return Retryable(
        f"a stream that begins now would miss what {count} XA transactions have changed, which are"
        f" prepared and neither committed nor rolled back yet: {named}",
        remedy=f"run on the source: XA COMMIT {first}; or XA ROLLBACK {first}; and so with each",
    )
