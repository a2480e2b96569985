"""docs/reference/limits.md says the numbers of the code."""

from __future__ import annotations

import pytest

from cdc.config.sections import ApplyConfig, ChunksConfig, DeadLettersConfig
from cdc.mapping.file.allowed_names import MAX_PATH
from cdc.mapping.types import json
from cdc.preflight.rules.source import OLDEST
from cdc.writers.embedding import embedder, terms
from tests.support.checkout import ROOT

TEXT = (ROOT / "docs" / "reference" / "limits.md").read_text()
APPLY, CHUNKS, LETTERS = ApplyConfig(), ChunksConfig(), DeadLettersConfig()


@pytest.mark.parametrize(
    "said",
    [
        f"{json.MAX_DEPTH} in a JSON value",
        f"| names in a field's path | {MAX_PATH} |",
        f"{APPLY.transaction_bytes:,} bytes of documents",
        f"{APPLY.batch_rows:,} operations (`apply.batch_rows`, up to 10,000)",
        f"{APPLY.batch_bytes >> 20} MiB (`apply.batch_bytes`, up to 16 MiB)",
        f"{CHUNKS.rows:,} rows (`chunks.rows`, up to 10,000)",
        f"{terms.AT_ONCE:,}; more follow in pieces of {embedder.PIECE:,}",
        f"{LETTERS.max} (`dead_letters.max`)",
        f"| MySQL | {'.'.join(map(str, OLDEST['mysql']))} or newer",
        f"| MariaDB | {'.'.join(map(str, OLDEST['mariadb']))} or newer",
    ],
)
def test_its_numbers_are_those_of_the_code(said: str) -> None:
    assert said in TEXT
