"""A source, a target and a stream between them, all in memory, for the chunk engine alone."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import bson

from cdc.chunks.applier import ChunkApplier
from cdc.chunks.passes import TablePasses
from cdc.chunks.scan import TableScan
from cdc.chunks.table import NOTHING_EMBEDDED, Collection, MappedChunk
from cdc.chunks.windows import Window, Windows
from cdc.chunks.worker import work_on
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.dead_letter import Origin
from cdc.model.document_id import comparable
from cdc.model.job import Job, JobKind, Options, Progress
from cdc.model.message import Message
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import FilePosition
from cdc.writers.documents import document_id
from cdc.writers.sharding import Paths, place_of

Rows = dict[int, int]

READ: Final = (("read", b""),)
"""The headers of a row that was read."""


def position(number: int) -> FilePosition:
    return FilePosition("binlog.000001", 4 + number)


def document(key: int, value: int) -> bytes:
    return bson.encode({"_id": key, "value": value})


def identifier(key: int) -> bytes:
    return document_id(document(key, 0))


def _message(operation: Operation) -> Message:
    is_gone = operation.kind is OperationKind.DELETE
    return Message("t", operation.id, None if is_gone else operation.document)


@dataclass
class Source:
    """Rows, and the log of what changed them; commits become visible a little later or sooner."""

    rows: Rows = field(default_factory=dict)
    log: list[list[Operation]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    shard: Paths = ()
    """With the path of the value each update moves the row's document."""

    def put(self, key: int, value: int) -> None:
        """Insert or update one row."""
        self.log.append(self._written(key, value))

    def remove(self, key: int) -> None:
        self.log.append([self._removed(key)])

    def _written(self, key: int, value: int) -> list[Operation]:
        kind = OperationKind.REPLACE if key in self.rows else OperationKind.INSERT
        left = [self._deletion(key)] if self.shard and key in self.rows else []
        self.rows[key] = value
        return [*left, Operation(kind, identifier(key), document(key, value))]

    def _removed(self, key: int) -> Operation:
        deletion = self._deletion(key)
        del self.rows[key]
        return deletion

    def _deletion(self, key: int) -> Operation:
        before = document(key, self.rows[key]) if self.shard else b""
        return Operation(OperationKind.DELETE, identifier(key), before)

    def commit(self, chance: random.Random) -> None:
        with self.lock:
            operations: list[Operation] = []
            for _ in range(chance.randint(1, 3)):
                key, value = chance.randrange(40), chance.randrange(1 << 30)
                if key in self.rows and chance.random() < 0.4:
                    operations.append(self._removed(key))
                else:
                    operations += self._written(key, value)
            self.log.append(operations)

    def snapshot(self) -> tuple[Rows, FilePosition]:
        with self.lock:
            return dict(self.rows), position(len(self.log))


class Target:
    """Documents by comparable id, with `shard` by place; a writer, and what reads it."""

    def __init__(self, shard: Paths = ()) -> None:
        self.documents: dict[object, bytes] = {}
        self.topic: list[Message] = []
        """What was published, of changes and of rows that were read."""
        self._shard = shard
        self.at_majority = True

    def settle(self) -> None:
        self.at_majority = True

    def apply(self, batch: Batch) -> None:
        self.at_majority = not batch.is_filled
        self.topic += batch.messages
        for _, operations in batch.changes():
            for operation in operations:
                if operation.kind is OperationKind.DELETE:
                    self.documents.pop(self._key(operation), None)
                else:
                    self.documents[self._key(operation)] = operation.document

    def _key(self, operation: Operation) -> object:
        if not self._shard:
            return comparable(operation.id)
        return place_of(operation.id, operation.document, self._shard)

    def is_empty(self, collection: str, *, within: Mapping[str, Any]) -> bool:
        return not self.documents

    def ids(
        self, collection: str, *, after: bytes | None, limit: int, within: Mapping[str, Any]
    ) -> list[bytes]:
        found = sorted((document_id(raw) for raw in [*self.documents.values()]), key=comparable)  # type: ignore[arg-type]
        floor = -1 if after is None else comparable(after)
        return [each for each in found if comparable(each) > floor][:limit]  # type: ignore[operator]

    def copies(self, collection: str, ids: Sequence[bytes]) -> list[bytes]:
        wanted = {comparable(each) for each in ids}
        found = [*self.documents.values()]
        return [raw for raw in found if comparable(document_id(raw)) in wanted]

    def fetch(self, collection: str, ids: Sequence[bytes]) -> dict[object, bytes]:
        return {comparable(document_id(raw)): raw for raw in self.copies(collection, ids)}


class OneCollection:
    name = "c"
    own: Mapping[str, Any] = {}
    origin = Origin("t")
    lone_field = ""

    def __init__(self, shard: Paths) -> None:
        self.shard = shard

    def is_gone(self, raw: bytes) -> bool:
        return False

    def removed(self, identity: bytes, raw: bytes) -> Operation:
        return Operation(OperationKind.DELETE, identity, raw if self.shard else b"")


class SourceTable:
    """The source's table, three rows at a time; each read sees a moment between its watermarks."""

    def __init__(
        self, source: Source, chance: random.Random, behind: Callable[[], None] = lambda: None
    ) -> None:
        """`behind` is called behind the SELECT, before its high watermark is read."""
        self._source = source
        self._chance = chance
        self._behind = behind
        self.collections: Sequence[Collection] = (OneCollection(source.shard),)

    order = "id"

    @property
    def rows(self) -> int:
        return len(self._source.rows)

    def read(self, after: Any, window: Window) -> MappedChunk:
        rows, high = self._look()
        keys = [key for key in sorted(rows) if after is None or key > after]
        return self._part({key: rows[key] for key in keys[:3]}, high, finished=len(keys) <= 3)

    def lookup(self, collection: Collection, ids: Sequence[bytes], window: Window) -> MappedChunk:
        rows, high = self._look()
        some = ids[:3]
        keys = {comparable(each) for each in some}
        found = {key: rows[key] for key in rows if key in keys}
        return self._part(found, high, finished=True)._replace(asked=some)

    def probe(self, collection: Collection, window: Window) -> None:
        pass

    def _look(self) -> tuple[Rows, FilePosition]:
        rows, _ = self._source.snapshot()
        time.sleep(self._chance.random() * 0.002)
        self._behind()
        return rows, self._source.snapshot()[1]

    @staticmethod
    def _part(rows: Rows, high: FilePosition, *, finished: bool) -> MappedChunk:
        inserts = [
            Operation(OperationKind.INSERT, identifier(key), document(key, value))
            for key, value in rows.items()
        ]
        reads = [Message("t", each.id, each.document, headers=READ) for each in inserts]
        last = max(rows, default=None)
        return MappedChunk({"c": inserts}, len(rows), last, finished, high, told=lambda _: reads)


class World:
    """Everything, and a main thread that a test drives step by step."""

    def __init__(self, seed: int, *, shard: Paths = ()) -> None:
        """`shard` is the path of the value: then that tells, with the id, where a document is."""
        self.chance = random.Random(seed)
        self.shard = shard
        self.source = Source(shard=shard)
        self.target = Target(shard)
        self.embedded = NOTHING_EMBEDDED
        self.applied = 0
        self.windows = Windows(Checkpoint(position(0)))
        self.applier = ChunkApplier(self.windows, wake=lambda: None)

    def deliver(self, *, changes_schema: bool = False) -> None:
        """Apply the stream's next transaction, if the source has one."""
        if self.applied == len(self.source.log):
            return
        operations = self.source.log[self.applied]
        self.applied += 1
        mapped = MappedTransaction(
            "x",
            Checkpoint(position(self.applied)),
            0.0,
            (("c", operations),),
            changes_schema=changes_schema,
            messages=tuple(map(_message, operations)),
        )
        self.target.apply(Batch((mapped,)))
        self.windows.note(Batch((mapped,)))

    def settle(self) -> None:
        self.applier.apply_due(self.target)

    def work(
        self,
        kind: JobKind,
        options: Options | None = None,
        *,
        behind: Callable[[], None] = lambda: None,
        progress: Progress | None = None,
    ) -> Running:
        """Start a job, or go on with one; `behind` is called behind each of its SELECTs."""
        job = Job.request("s", kind, "db.t", by="test", options=options or Options())
        return Running(self, job if progress is None else replace(job, progress=progress), behind)

    def expected(self) -> dict[object, bytes]:
        rows = self.source.rows.items()
        return {self.key(*row): document(*row) for row in rows}

    def plant(self, key: int, value: int) -> None:
        """Put a document into the target."""
        self.target.documents[self.key(key, value)] = document(key, value)

    def key(self, key: int, value: int) -> object:
        """Return what the target holds a document by."""
        if not self.shard:
            return key
        return place_of(identifier(key), document(key, value), self.shard)


class Running:
    """A job at work in a thread of its own."""

    def __init__(self, world: World, job: Job, behind: Callable[[], None]) -> None:
        self._embedded = world.embedded
        self._error: BaseException | None = None
        self.scan = TableScan(
            job,
            windows=world.windows,
            applier=world.applier,
            before_each=lambda: None,
            wait=time.sleep,
        )
        table = SourceTable(world.source, random.Random(world.chance.random()), behind)
        self._passes = TablePasses(self.scan, table, world.target, chunk_rows=4)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            work_on(self._passes, letter_on=lambda *_: None, embedded=self._embedded)
        except Exception as error:  # noqa: BLE001 - the test raises it
            self._error = error

    def join(self, seconds: float) -> None:
        """Wait so long for its end."""
        self._thread.join(seconds)

    @property
    def done(self) -> bool:
        ended = not self._thread.is_alive()  # asked first: the error is there before the end
        if self._error is not None:
            raise self._error
        return ended


GIVES_UP_AFTER_SECONDS = 30


def world_of(*keys: int) -> World:
    """A source with a few rows, less than a chunk, that the stream will not see."""
    world = World(0)
    world.source.rows = dict.fromkeys(keys, 1)
    return world


def once(action: Callable[[], None]) -> Callable[[], None]:
    """Do it the first time only."""
    left = [action]
    return lambda: left.pop()() if left else None


def end(world: World, running: Running) -> None:
    deadline = time.monotonic() + GIVES_UP_AFTER_SECONDS
    while not running.done:
        world.settle()
        assert time.monotonic() < deadline
        time.sleep(0.001)
