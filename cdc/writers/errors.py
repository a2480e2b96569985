"""Converts the target's refusals to errors of cdc."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from pymongo.errors import (
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
)

from cdc.errors import CdcError, NoMajority, Retryable, Unfit
from cdc.model.dead_letter import Reason

if TYPE_CHECKING:
    from cdc.writers.commands import Command


@contextmanager
def explained() -> Iterator[None]:
    """Raise Retryable for passing errors, Unfit if the account is refused, CdcError otherwise."""
    try:
        yield
    except PyMongoError as error:
        raise explain(error) from error


_ROUTING: Final = (
    24,  # LockTimeout
    46,  # LockBusy: a chunk is moving
    70,  # ShardNotFound: it has just come, or gone
    117,  # ConflictingOperationInProgress
    133,  # FailedToSatisfyReadPreference: a shard has no primary now
    134,  # ReadConcernMajorityNotAvailableYet
    150,  # StaleEpoch
    225,  # TransactionTooOld
    239,  # SnapshotTooOld
    246,  # SnapshotUnavailable
    249,  # StaleDbVersion
    250,  # StaleChunkHistory
    267,  # PreparedTransactionInProgress
    272,  # MigrationConflict
    281,  # TransactionCoordinatorSteppingDown
    282,  # TransactionCoordinatorReachedAbortDecision
    304,  # ShardInvalidatedForTargeting
    319,  # MovePrimaryInProgress
    338,  # ReshardCollectionInProgress
    343,  # ShardCannotRefreshDueToLocksHeld
    406,  # MigrationBlockingOperationCoordinatorCleaningUp
    414,  # AddOrRemoveShardInProgress
    453,  # InterruptedDueToReshardingCriticalSection
    13388,  # StaleConfig
    91331,  # RetriableRemoteCommandFailure
)
"""What mongos and shards answer while chunks, databases or shards move (error_codes.yml)."""

RETRYABLE_CODES: Final = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        43,  # CursorNotFound: somebody has ended its session, or its server is another one now
        50,  # MaxTimeMSExpired
        64,  # WriteConcernFailed: no majority in time
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        *_ROUTING,
        112,  # WriteConflict
        175,  # QueryPlanKilled: its collection or index was dropped, or has another name
        189,  # PrimarySteppedDown
        202,  # NetworkInterfaceExceededTimeLimit
        237,  # CursorKilled
        251,  # NoSuchTransaction
        262,  # ExceededTimeLimit
        279,  # ClientDisconnect
        290,  # TransactionExceededLifetimeLimitSeconds
        355,  # InterruptedDueToStorageChange
        365,  # TemporarilyUnavailable: its cache is full
        371,  # UserWritesBlocked: by an operator, who will end it
        402,  # ResourceExhausted
        407,  # PooledConnectionAcquisitionExceededTimeLimit
        412,  # UpdatesStillPending
        433,  # AdmissionQueueOverflow
        449,  # RateLimitExceeded
        450,  # PooledConnectionAcquisitionRejected
        462,  # IngressRequestRateLimitExceeded
        9001,  # SocketException
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11601,  # Interrupted: a takeover has ended our session, or an operator the operation
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
        14031,  # OutOfDiskSpace: the operator must make room, and then it continues
        46841,  # ClientMarkedKilled
        50915,  # BackupCursorOpenConflictWithCheckpoint
        10045600,  # InterruptedDueToFCVChange: somebody upgrades the target
    }
)
"""What passes: in error_codes.yml, MongoDB's list, the categories NetworkError, Interruption,
RetriableError, NotPrimaryError and SystemOverloadedError, but for what servers tell each other
alone; what ends a cursor; and what an operator ends.
"""
_NO_RETRYABLE_WRITES: Final = "does not support retryable writes"
"""What PyMongo 4.20 says of a standalone: behind a connection that failed as it was opened, it
writes there as only a replica set takes it."""

ACCESS_CODES: Final = frozenset({13, 18, 8000})
"""Unauthorized, AuthenticationFailed, and Atlas's own code for both."""

_LOGIN_FAILED: Final = 18

_NO_LOGIN: Final = "requires authentication"
"""What a server says, in the middle, to who has not logged in, and would have to."""

_NOT_IN_TIME: Final = frozenset({50, 64})
"""What ends a wait for a majority: the operation's limit, or the concern's own."""

NO_MAJORITY: Final = "no majority of the target's members has"

CHECK_HOSTS: Final = "see that it runs, and check the hosts and ports in target.uri"

_GARBLED: Final = re.compile(r"Got response id |Message length \(|Got opcode |Unknown opcode")
"""How the driver tells of an answer in another language than MongoDB's."""

_SETTINGS: Final = re.compile(r" \(configured timeouts: [^)]*\)")

DUPLICATE_KEY: Final = 11000
OBJECT_TOO_LARGE: Final = 10334

NOT_OF_THE_DOCUMENT: Final = {
    13: "Unauthorized",
    20: "IllegalOperation, as on a capped collection",
    26: "NamespaceNotFound",
    61: "ShardKeyNotFound: the collection is sharded by a field that no document has",
    72: "InvalidOptions",
    115: "CommandNotSupported",
    166: "CommandNotSupportedOnView",
    263: "OperationNotSupportedInTransaction",
    8000: "AtlasError, as over quota",
    12501: "the quota is exceeded",
}
"""Refusals that would meet every document: no reason for a dead letter."""

_REASONS: Final = {
    121: Reason.VALIDATOR,
    DUPLICATE_KEY: Reason.DUPLICATE,
    OBJECT_TOO_LARGE: Reason.TOO_LARGE,
    17419: Reason.TOO_LARGE,  # by an update
    17420: Reason.TOO_LARGE,
    15: Reason.NESTING,  # Overflow: beyond 180 levels
    171: Reason.INDEX,  # CannotIndexParallelArrays
    16755: Reason.INDEX,  # no geometry for 2dsphere
    16766: Reason.INDEX,  # an array in a hashed index
    17261: Reason.INDEX,  # a text index's language is no string
    17262: Reason.INDEX,  # or is not known
}

TRANSACTION_TOO_LARGE: Final = frozenset(
    {
        257,  # TransactionTooLarge
        388,  # TransactionTooLargeForCache
    }
)
_TOO_LARGE_TEXT: Final = "transaction is too large"
"""The text of servers that have no code of their own for it."""

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
        self.kind = command.kind
        self.collection = command.collection
        self.operation = command.operations[int(error.get("index", 0))]
        self.id = self.operation.id
        super().__init__(self.text)

    @property
    def is_of_id(self) -> bool:
        """Whether another document has the same `_id`."""
        return self.code == DUPLICATE_KEY and [*self.key_pattern] == ["_id"]

    @property
    def reason(self) -> Reason | None:
        """The target's reason to refuse the document; None if it is not the document's fault."""
        if self.code in NOT_OF_THE_DOCUMENT:
            return None
        return _REASONS.get(self.code, Reason.REFUSED)

    @property
    def why(self) -> str:
        """The reason, for messages: without the server's words and the id; both may hold values."""
        if self.reason is None:
            return f"{NOT_OF_THE_DOCUMENT[self.code]} (code {self.code})"
        keys = ", ".join(f"{name}: {kind}" for name, kind in self.key_pattern.items())
        index = f" under the index {{{keys}}}" if keys else ""
        return f"{self.reason.value}{index} (code {self.code})"


class RefusedTogether(Exception):
    """The server refused one of several documents that a statement changes, and named none."""


class TooLarge(Exception):
    """The target refuses a transaction for its size."""


def check_reply(command: Command, reply: dict[str, Any]) -> None:
    """Raise Refused, RefusedTogether, Retryable or WriteConcernError for an error in a reply."""
    if errors := reply.get("writeErrors"):
        raise _refusal(command, errors[0])
    check_concern(reply)


def check_concern(reply: dict[str, Any]) -> None:
    """Raise WriteConcernError if the reply of a command says that a majority has not got it."""
    if concern := reply.get("writeConcernError"):
        code = concern.get("code")
        kind = WTimeoutError if code in _NOT_IN_TIME else WriteConcernError
        raise kind(str(concern.get("errmsg")), code, concern)


def _refusal(command: Command, error: dict[str, Any]) -> Exception:
    if _is_too_large(error.get("code"), str(error.get("errmsg"))):
        return OperationFailure(str(error.get("errmsg")), error.get("code"))
    if error.get("code") in RETRYABLE_CODES:
        return Retryable(f"the target could not write now: {error.get('errmsg')}")
    if command.is_shared:
        return RefusedTogether(str(error.get("errmsg")))
    return Refused(command, error)


def is_too_large(error: Exception) -> bool:
    """Return whether the target refuses a transaction for its size: a retry cannot help."""
    return isinstance(error, OperationFailure) and _is_too_large(error.code, str(error))


def _is_too_large(code: int | None, text: str) -> bool:
    return code in TRANSACTION_TOO_LARGE or _TOO_LARGE_TEXT in text


def is_passing(error: Exception) -> bool:
    """Return whether a retry may help, by the drivers' specifications of transactions."""
    if isinstance(error, Retryable | ConnectionFailure):
        return True
    if not isinstance(error, PyMongoError) or is_too_large(error):
        return False
    if any(error.has_error_label(label) for label in _LABELS):
        return True
    if not isinstance(error, OperationFailure):
        return False
    return error.code in RETRYABLE_CODES or _NO_RETRYABLE_WRITES in str(error)


def brief(error: Exception) -> str:
    """Return the driver's words without the reply, settings, topology or command behind them."""
    if isinstance(error, WTimeoutError):
        return f"{NO_MAJORITY} the last write yet"
    if _GARBLED.search(str(error)):
        return "the server that answers is no MongoDB"
    text = _SETTINGS.sub("", str(error)).partition(", full error")[0].partition(", Timeout:")[0]
    return text.partition(" to execute command {")[0]


def words(error: BaseException) -> str:
    """Return an error's words, without values of the row that is refused."""
    if isinstance(error, Refused):
        return error.why
    return brief(error) if isinstance(error, PyMongoError) else str(error)


def unreached(error: ConnectionFailure) -> Retryable:
    """Return the error of a target that does not answer."""
    nobody = isinstance(error, ServerSelectionTimeoutError)  # else it is one server, for a moment
    return Retryable(
        f"the target cannot be reached: {brief(error)}", remedy=CHECK_HOSTS if nobody else None
    )


def login_refused(error: PyMongoError) -> Unfit:
    """Return the error of a target that does not let the account in."""
    return Unfit(
        f"the target refuses the login: {brief(error)}",
        remedy="check user, password and authSource in target.uri",
    )


def explain(error: PyMongoError) -> CdcError:
    """Convert a driver's error to cdc's."""
    if isinstance(error, WTimeoutError):
        return NoMajority(
            f"{NO_MAJORITY} the last write yet; the primary has it, so it may still take effect"
        )
    if isinstance(error, ConnectionFailure):
        return unreached(error)
    if is_passing(error):
        return Retryable(f"the target does not do it now: {brief(error)}")
    code = error.code if isinstance(error, OperationFailure) else None
    if code == _LOGIN_FAILED:
        return login_refused(error)
    if code in ACCESS_CODES and _NO_LOGIN in str(error):
        return Unfit(
            "the target wants a login, and target.uri has none",
            remedy="write USER:PASSWORD@ before the host in target.uri, of an account with the role"
            " readWrite on target.database and target.state_database",
        )
    if code in ACCESS_CODES:
        return Unfit(
            f"the target refuses this account: {brief(error)}",
            remedy="grant it readWrite on target.database and target.state_database; the line to"
            " type: cdc check",
        )
    return CdcError(f"the target answered with an error: {brief(error)}")
