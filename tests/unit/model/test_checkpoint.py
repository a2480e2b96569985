from __future__ import annotations

import bson
import pytest

from cdc.model.checkpoint import Checkpoint, Inflight
from cdc.model.position import FilePosition, GtidPosition, GtidSet, MariadbGtids
from cdc.model.witness import Witness

MYSQL = GtidPosition(GtidSet.parse("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"))
MARIADB = GtidPosition(MariadbGtids.parse("0-1-5,7-2-9"))
PLACE = Witness("server", "binlog.000007", 1_700_000_000, 5 << 32)


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint(MYSQL, None, "server", PLACE._replace(event=b"\0\xffevent")),
        Checkpoint(MARIADB, Inflight("0-1-6", 3), "1", PLACE._replace(event=b"x", before=MARIADB)),
        Checkpoint(MARIADB, Inflight("0-1-6", 3, (("a.$b", 5), ("a.c", 1)))),
        Checkpoint(FilePosition("binlog.000007", 400, 1), None, "server", PLACE),
        Checkpoint(MYSQL, None, "server"),
    ],
    ids=["mysql", "in flight", "with counted rows", "nothing applied", "without a witness"],
)
def test_a_checkpoint_is_read_from_the_target_as_it_was_saved(checkpoint: Checkpoint) -> None:
    saved = bson.decode(bson.encode(checkpoint.to_document()))

    assert Checkpoint.from_document(saved) == checkpoint


def test_a_gtid_set_is_not_saved_twice() -> None:
    saved = PLACE._replace(event=b"x", before=MYSQL).to_document()

    assert saved["before"] is None
