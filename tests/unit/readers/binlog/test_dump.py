from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pymysqlreplication.gtid import GtidSet as OracleGtidSet

from cdc.model.position import GtidSet, Source
from cdc.readers.binlog.dump import encode_gtid_set, replica_uuid

UUIDS = [f"{digit * 8}-0000-1111-2222-{digit * 12}" for digit in "f13"]


@given(st.dictionaries(st.sampled_from(UUIDS), st.sets(st.integers(1, 60), min_size=1), min_size=1))
def test_a_set_without_tags_is_encoded_as_mysql_replication_does(
    numbers: dict[str, set[int]],
) -> None:
    gtids = GtidSet()
    for uuid in sorted(numbers):
        for number in numbers[uuid]:
            gtids = gtids.with_interval(Source(uuid), number, number)

    assert encode_gtid_set(gtids) == OracleGtidSet(str(gtids)).encoded()


def test_a_set_with_tags_says_so_in_the_first_and_the_last_byte_of_its_count() -> None:
    gtids = GtidSet.parse(f"{UUIDS[1]}:1-3:ab:7")

    encoded = encode_gtid_set(gtids)

    uuid = bytes.fromhex(UUIDS[1].replace("-", ""))
    assert encoded == (
        b"\x01\x02\x00\x00\x00\x00\x00\x01"
        + (uuid + b"\x00" + b"\x01" + bytes(7) + b"\x01" + bytes(7) + b"\x04" + bytes(7))
        + (uuid + b"\x04ab" + b"\x01" + bytes(7) + b"\x07" + bytes(7) + b"\x08" + bytes(7))
    )


def test_a_replica_presents_the_same_uuid_at_each_start() -> None:
    assert replica_uuid(7, "one") == replica_uuid(7, "one") != replica_uuid(8, "one")
    assert replica_uuid(7, "one") != replica_uuid(7, "other")
