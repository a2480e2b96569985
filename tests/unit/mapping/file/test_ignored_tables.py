from __future__ import annotations

from pathlib import Path

import pytest

from cdc.mapping.file.loading import read_mappings


@pytest.mark.parametrize(
    ("source", "ignored", "shared"),
    [
        ("app.t", "app.*", True),
        ("app.t", "app.* !app.t", False),
        ("app.t", "app.* !app.u", True),
        ("app.* !app.u", "app.u", False),
        ("app.* !app.u", "app.t", True),
        ("app.a*", "app.b*", False),
        ("app.a*", "app.*b", True),
    ],
)
def test_a_followed_table_is_not_ignored(
    tmp_path: Path, source: str, ignored: str, shared: bool
) -> None:
    key = "id: [{source: table}, id]\n" if "*" in source else ""
    (tmp_path / "m.yaml").write_text(f"source: {source}\ntarget: t\n{key}")

    _, mistakes = read_mappings(["m.yaml"], relative_to=tmp_path, ignored=[ignored])

    assert [each.what.partition(" may be")[0] for each in mistakes] == [f"`{source}`"] * shared
