"""The kinds of sources that embedding is tried with."""

from __future__ import annotations

import pytest

from tests.support import examples

_BOTH = ["mysql-gtid", "mariadb-gtid"]

BOTH = pytest.mark.parametrize("stream", _BOTH, indirect=True)
"""For what reads a server: rows as they arrive, chunks beside changes, whatever dies."""

ONE_OF_BOTH = pytest.mark.parametrize(
    "stream", _BOTH if examples.budget > 1 else _BOTH[:1], indirect=True
)
"""For what the writer does with rows, whoever sent them; a larger budget has both send them."""
