"""Sends one write command to the target, and reads what it answers."""

from __future__ import annotations

from pymongo.client_session import ClientSession
from pymongo.errors import DocumentTooLarge

from cdc.writers.collections import Collections, Document
from cdc.writers.commands import Command
from cdc.writers.concerns import MAJORITY
from cdc.writers.errors import OBJECT_TOO_LARGE, Refused, check_reply
from cdc.writers.sync_timestamps import SyncTimestamps


class Sender:
    """Sends commands to a stream's collections, with the stamps of its mappings."""

    def __init__(self, collections: Collections, stamps: SyncTimestamps) -> None:
        self._collections = collections
        self._stamps = stamps

    def send(self, command: Command, session: ClientSession | None) -> None:
        """Send a command; raises Refused or RefusedTogether if the target does not take all."""
        check_reply(command, self._reply_to(command, session))

    def _reply_to(self, command: Command, session: ClientSession | None) -> Document:
        body = command.body(self._stamps.element(command.collection))
        # within a transaction the write concern is the transaction's
        concern: Document = {} if session else {"writeConcern": MAJORITY.document}
        try:
            return self._collections.command(body, session=session, **concern)
        except DocumentTooLarge as error:
            raise _refused_by_driver(command, error) from error


def _refused_by_driver(command: Command, error: DocumentTooLarge) -> Refused:
    """Convert the driver's refusal to the server's: the largest document is to blame."""
    sizes = [len(operation.document) for operation in command.operations]
    index = sizes.index(max(sizes))
    return Refused(command, {"code": OBJECT_TOO_LARGE, "errmsg": str(error), "index": index})
