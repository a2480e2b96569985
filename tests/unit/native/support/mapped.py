"""What comes of a rows event, with the native module and without."""

from __future__ import annotations

from dataclasses import replace

from cdc.errors import CdcError
from cdc.mapping.compile.plan import Plan
from cdc.mapping.transcode.native_rows import row_plan
from cdc.model.dead_letter import FailedRow
from cdc.model.operation import Operation
from cdc.model.transaction import RowsEvent, RowsKind
from tests.unit.mapping.support.row_images import COMMITTED_AT, in_python
from tests.unit.native.support.module import NATIVE

Outcome = tuple[list[Operation] | str, list[tuple[str, RowsKind, bytes, bytes, int]]]


def natively(mapped: Plan) -> Plan:
    """The plan that leaves to Python only what the module does not know."""
    return replace(mapped, _native=row_plan(mapped.layout, NATIVE))


def outcome(mapped: Plan, rows: RowsEvent) -> Outcome:
    """All that comes of an event: operations, or the error that ends it, and the failed rows."""
    failed: list[FailedRow] = []
    try:
        found: list[Operation] | str = mapped.operations(rows, COMMITTED_AT, failed.append)
    except CdcError as error:
        found = f"{type(error).__name__}: {error}"
    return found, [
        (str(each.error), each.kind, each.id, each.document, each.operations_before)
        for each in failed
    ]


def assert_equal(mapped: Plan, rows: RowsEvent) -> None:
    assert outcome(natively(mapped), rows) == outcome(in_python(mapped), rows)
