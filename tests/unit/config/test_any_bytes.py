"""Whatever stands in a file, it is a configuration or a mistake with its file and line."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cdc import cli
from cdc.config import load
from cdc.config.yaml12 import MAX_DEPTH, YamlMistake, parse
from cdc.errors import UsageError
from cdc.mapping.file.loading import read_mappings
from tests.support.examples import examples

SOUND = b"name: orders\nsource: {host: h, user: u, password: p, server_id: 1}\n"
MAPPING = b"source: shop.orders\ntarget: orders\n"
TOO_DEEP = b"[" * (MAX_DEPTH + 1)
"""The scanner's time grows with the square of the depth; `test_load` has a file of 2000 levels."""
PIECES = st.sampled_from(
    [
        *(
            b"\x00",
            b"\x1b",
            b"\x7f",
            b"\xff",
            b"\xc3",
            b"\xed\xa0\x80",
            b"\xef\xbb\xbf",
            b"\xfe\xff",
        ),
        *(b"\xc2\x85", b"\xc2\x9b", b"\xe2\x80\xa8", b"\r", b"\t", b"\n", b" ", b"\\", b"'", b'"'),
        *(
            b"&a ",
            b"*a",
            b"<<: ",
            b"? ",
            b": ",
            b"- ",
            b"[",
            b"]",
            b"{",
            b"}",
            b"!!",
            b"!!int ",
            b"%",
        ),
        *(
            b"!!binary ",
            b"!!timestamp ",
            b"!!python/object:os.system ",
            b"!!set ",
            b"!!omap ",
            b"---",
        ),
        *(
            b"name",
            b"source",
            b"target",
            b"1e999",
            b".nan",
            b"9" * 5000,
            TOO_DEEP,
            b"# a\n",
        ),
    ]
)
CONTENTS = st.lists(PIECES | st.binary(max_size=4), max_size=12).map(b"".join)


def assert_told(content: bytes, sound: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.yaml"
        path.write_bytes(sound + content)
        with suppress(UsageError):
            load(path, mappings_optional=True)
        _, mistakes = read_mappings([path.name], relative_to=path.parent)
        assert all(each.file == path and each.line >= 1 for each in mistakes)


@examples(300)
@example(b"\x1b")
@example(b"a: \x00")
@example(b"\xff\xfe")
@example(b"&a [*a]")
@example(b"a: \xc2\x9b")
@given(CONTENTS)
def test_any_bytes_are_a_configuration_or_a_mistake(content: bytes) -> None:
    assert_told(content, b"")
    assert_told(content, SOUND)
    assert_told(content, MAPPING)


@pytest.mark.parametrize("use", ["[*a{0}, *a{0}, *a{0}]", "{{b: *a{0}, c: *a{0}}}"])
def test_aliases_that_multiply_are_a_mistake_before_they_fill_the_memory(use: str) -> None:
    lines = ["a: &a0 {b: c}", *(f"k{n}: &a{n} {use.format(n - 1)}" for n in range(1, 60))]

    with pytest.raises(YamlMistake, match="aliases") as caught:
        parse("\n".join(lines))

    assert 1 <= caught.value.line <= len(lines)


@pytest.mark.parametrize("where", ["cdc.yaml", "orders.yaml"])
def test_a_control_character_is_a_mistake_with_its_line(
    where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        "cdc.yaml": SOUND
        + b"target: {uri: 'mongodb://h/', database: d}\nmappings: [orders.yaml]\n",
        "orders.yaml": MAPPING,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content + (b"# \x1b\n" if name == where else b""))

    code = cli.run(["mapping", "check", "--offline", "--config", str(tmp_path / "cdc.yaml")])

    told, line = capsys.readouterr().err, files[where].count(b"\n") + 1
    assert code == 2
    assert f"{where}:{line}: " in told
    assert "#x001b" in told
    assert "Traceback" not in told
