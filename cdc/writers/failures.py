"""What an error of the target means: try again, stop, or write otherwise."""

from __future__ import annotations

from typing import Any, Final

from bson import BSON
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from cdc.errors import CdcError, Retryable, Unfit
from cdc.writers.batch import query
from cdc.writers.commands import Command

RETRYABLE_CODES: Final = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        50,  # MaxTimeMSExpired
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        112,  # WriteConflict
        189,  # PrimarySteppedDown
        251,  # NoSuchTransaction
        262,  # ExceededTimeLimit
        290,  # TransactionExceededLifetimeLimitSeconds
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11601,  # Interrupted: a takeover has ended our session, or an operator the operation
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
        14031,  # OutOfDiskSpace: it is for the operator to make room, and then it goes on
    }
)
ACCESS_CODES: Final = frozenset({13, 18, 8000})
"""Unauthorized, AuthenticationFailed, and Atlas's own code for both."""

_LABELS: Final = (
    "TransientTransactionError",
    "UnknownTransactionCommitResult",
    "RetryableWriteError",
)


class Refused(Exception):
    """The server refused one write of a command."""

    def __init__(self, command: Command, error: dict[str, Any]) -> None:
        """Keep the command and the server's `writeErrors` entry."""
        self.code = int(error.get("code", 0))
        self.text = str(error.get("errmsg", ""))
        self.key_pattern = error.get("keyPattern") or {}
        self.collection = command.collection
        self.id = command.operations[int(error.get("index", 0))].id
        super().__init__(self.text)

    @property
    def write(self) -> str:
        """Which write it was, for messages."""
        return f"{self.collection} _id {BSON(query(self.id)).decode()['_id']!r}"


def check_reply(command: Command, reply: dict[str, Any]) -> None:
    """Raise Refused or Retryable where the reply holds an error."""
    if errors := reply.get("writeErrors"):
        raise _refusal(command, errors[0])
    if concern := reply.get("writeConcernError"):
        raise Retryable(f"the target could not confirm a write: {concern.get('errmsg')}")


def _refusal(command: Command, error: dict[str, Any]) -> Exception:
    if error.get("code") in RETRYABLE_CODES:
        return Retryable(f"the target could not write now: {error.get('errmsg')}")
    return Refused(command, error)


def is_passing(error: Exception) -> bool:
    """Tell whether trying again may help, as the drivers' specifications of transactions say."""
    if isinstance(error, Retryable | ConnectionFailure):
        return True
    if not isinstance(error, PyMongoError):
        return False
    if any(error.has_error_label(label) for label in _LABELS):
        return True
    return isinstance(error, OperationFailure) and error.code in RETRYABLE_CODES


def explained(error: PyMongoError) -> CdcError:
    """Say what an error that does not pass means for the operator."""
    code = error.code if isinstance(error, OperationFailure) else None
    if code in ACCESS_CODES:
        return Unfit(
            f"the target refuses this account: {error}",
            remedy="grant it readWrite on target.database and target.state_database",
        )
    return CdcError(f"the target answered with an error: {error}")
