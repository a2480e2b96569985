"""What can happen to a commit on the wire, as filters of a proxy in front of MongoDB."""

from __future__ import annotations

import threading

from tests.end_to_end.support.proxy import Link, Proxy, cut

COMMIT = b"commitTransaction\0"


class CommitTrap:
    """Catches the next `count` commits that pass a proxy.

    `cut_before`: the server never sees them. Otherwise it does, and its answer is lost: the link
    is cut, or with `hold` left open in silence. With `hold` and `withhold` the server does not
    see them either, and the transaction stays open.
    """

    def __init__(
        self,
        proxy: Proxy,
        *,
        count: int = 1,
        cut_before: bool = False,
        hold: bool = False,
        withhold: bool = False,
    ) -> None:
        self.caught = 0
        self.sprung = threading.Event()
        self._left = count
        self._cut_before = cut_before
        self._hold = hold
        self._withhold = withhold
        self._unanswered: list[Link] = []
        self._lock = threading.Lock()
        proxy.requests = self._request
        proxy.replies = self._reply

    def _request(self, data: bytes, link: Link) -> bytes:
        if COMMIT not in data:
            return data
        with self._lock:
            if self._left == 0:
                return data
            self._left -= 1
            self.caught += 1
        if self._cut_before:
            cut(link)
            self.sprung.set()
            return b""
        if self._withhold:
            self.sprung.set()
            return b""
        self._unanswered.append(link)
        return data

    def _reply(self, data: bytes, link: Link) -> bytes:
        if link not in self._unanswered:
            return data
        if not self._hold:
            cut(link)
        self.sprung.set()
        return b""
