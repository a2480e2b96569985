"""What the fuzzer tries, by name.

A target takes any bytes, and raises AssertionError where something is wrong; any other error that
it lets through is wrong, too.

two_speeds      the native module and Python say the same
table_maps      a table map is read as mysql-replication reads it, or refused
mutated_events  so is what a source has written, with bytes changed and its checksum made right
written_texts   configurations, mappings and expressions are read, or refused with a place
part_messages   parts of rounds are read, or refused
requests        the daemon's HTTP server answers, and goes on
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from tests.fuzz import (
    mutated_events,
    part_messages,
    requests,
    table_maps,
    two_speeds,
    written_texts,
)


class Target(NamedTuple):
    """What is tried with bytes, where the fuzzer begins without a corpus, and how many it takes."""

    tried: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    most_bytes: int = 600


_TWO_SPEEDS: Final = (
    Target(two_speeds.binary_json, two_speeds.json_seeds),
    Target(two_speeds.text_json, two_speeds.text_seeds),
    Target(two_speeds.transactions, two_speeds.transaction_seeds),
    Target(two_speeds.rows, two_speeds.row_seeds),
    Target(two_speeds.selected_rows, two_speeds.selected_seeds),
)
_ONE_SPEED: Final = (
    Target(table_maps.table_map, table_maps.seeds),
    Target(mutated_events.mutated_events, mutated_events.seeds, most_bytes=40),
    Target(written_texts.configuration, written_texts.configuration_seeds, most_bytes=1_500),
    Target(written_texts.mapping, written_texts.mapping_seeds),
    Target(written_texts.expression, written_texts.expression_seeds, most_bytes=200),
    Target(part_messages.part_message, part_messages.seeds, most_bytes=1_500),
    Target(requests.http_request, requests.seeds),
)


def _named(targets: Iterable[Target]) -> dict[str, Target]:
    return {each.tried.__name__: each for each in targets}


TWO_SPEEDS: Final = _named(_TWO_SPEEDS)
"""Those that need the native module."""
ONE_SPEED: Final = _named(_ONE_SPEED)
TARGETS: Final = TWO_SPEEDS | ONE_SPEED
