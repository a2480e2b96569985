"""What people, and programs, read about mistakes in mapping files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from cdc import cli, log
from cdc.config import LogConfig

CONFIG = """\
name: shop
source: {host: 127.0.0.1, port: 1, user: cdc, password: x, tls: off}
target: {uri: "mongodb://127.0.0.1:1/?replicaSet=rs0", database: shop}
"""
HEAD = "source: shop.orders\ntarget: orders\n"

Told = Callable[..., str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "cdc.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CDC_CONFIG", raising=False)
    return tmp_path


@pytest.fixture
def told(project: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    """Return what `cdc mapping check` says of a mapping."""

    def run(mapping: str, *options: str) -> str:
        (project / "mappings" / "bad.yaml").write_text(mapping)
        assert cli.run(["mapping", "check", "--offline", *options]) == 2
        seen = capsys.readouterr()
        return (seen.out or seen.err).removeprefix("cdc: ")

    return run


def test_all_mistakes_are_told_with_their_places(told: Told) -> None:
    assert told(
        HEAD
        + """\
fields:
  a: {sql: "COALESCE(name,"}
  b: {sql: "FOO(name)"}
  c: {tyype: x, column: id}
where: "name = '日本' AND"
"""
    ) == dedent("""\
        mappings/bad.yaml:4: `fields.a.sql`: unexpected end: an expression expected
            COALESCE(name,
                          ^
        mappings/bad.yaml:5: `fields.b.sql`: the function FOO is outside the subset; docs/expressions.md#what-there-is lists what there is
            FOO(name)
            ^
        mappings/bad.yaml:6: unknown key `tyype`, did you mean `type`?
        mappings/bad.yaml:7: `where`: unexpected end: an expression expected
            name = '日本' AND
                             ^
        """)  # noqa: E501 - as it is printed


@pytest.mark.parametrize(
    ("written", "line", "shown"),
    [
        ("|\n    a +\n      b c", 6, "b c"),
        ("|2-\n\n    a\n    + b c\n\n", 7, "+ b c"),
        ("| # why\n    'x' +\n    \t b c", 6, "b c"),
        (">\n    a +\n    b c", 6, "a + b c"),
        (">-\n\n\n    a + b c\n", 7, "a + b c"),
        (">\n    a +\n\n    b c", 7, "b c"),
        ("!!str |\n    a +\n    b c", 6, "b c"),
        ("&it\n    a +\n    b c", 6, "a + b c"),
        ("\n    a + b c", 5, "a + b c"),
        ("\n    a +\n      b c", 6, "a + b c"),
        ('"a +\n    b c"', 5, "a + b c"),
        ('"a +\n\n    b c"', 6, "b c"),
        ('"a +\\\n    \\u0020b c"', 5, "a + b c"),
        ('"a +\\n\\t b c\n    "', 4, "b c"),
        ("\"'\\u65E5\\x20\\\\\\\\' +\\n\n    b c\"", 5, "b c"),
        ("'a + ''x'' +\n    b c'", 5, "a + 'x' + b c"),
        ("'a + ''\n    '' + \n\n    b c'", 7, "b c"),
    ],
)
def test_the_line_is_that_of_the_place(told: Told, written: str, line: int, shown: str) -> None:
    text = told(f"{HEAD}where: {written}\n")

    assert text.startswith(f"mappings/bad.yaml:{line - 1}: `where`: unexpected c:")
    assert f"    {shown}\n    {' ' * (len(shown) - 1)}^" in text


def test_an_alias_is_shown_where_its_text_stands(told: Told) -> None:
    text = told(f"{HEAD}fields:\n  a:\n    sql: &it |\n      a\n      b c\n  d: {{sql: *it}}\n")

    assert text.count("mappings/bad.yaml:7: ") == 2


def test_mistakes_in_an_id_have_their_place(told: Told) -> None:
    text = told(f'{HEAD}id: {{sql: "UPER(a)", unique: asserted}}\n')

    assert "`id.sql`: the function UPER is outside the subset; did you mean UPPER?" in text
    assert "    UPER(a)\n    ^" in text


def test_nothing_in_an_expression_reaches_the_terminal(told: Told) -> None:
    text = told(f"{HEAD}where: \"a = '\\e[31m' b\\u202e\"\n")

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "    a = '\\u001b[31m' b\\u202e\n" + " " * 21 + "^" in text


def test_programs_get_whole_paths_and_the_excerpt_apart(told: Told, project: Path) -> None:
    [mistake] = json.loads(told(f'{HEAD}where: "a +"\n', "--output", "json"))["mistakes"]

    assert mistake == {
        "file": str(project.resolve() / "mappings" / "bad.yaml"),
        "line": 3,
        "what": "`where`: unexpected end: an expression expected",
        "excerpt": "    a +\n       ^",
    }


def test_a_line_of_the_log_holds_each_mistake_and_no_excerpt(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure = log.configure
    monkeypatch.setattr(log, "configure", lambda *_, **__: configure(LogConfig(format="json")))
    file = project.resolve() / "mappings" / "bad.yaml"
    file.write_text(f'{HEAD}where: "a +"\nnosuch: 1\n')

    assert cli.run(["run"]) == 2

    message = json.loads(capsys.readouterr().err)["message"]
    assert message == (
        f"{file}:3: `where`: unexpected end: an expression expected\n"
        f"{file}:4: unknown key `nosuch`"
        "; there is `source`, `target`, `id`, `fields`, `exclude`, `case`, `nulls`, `where`,"
        " `stamp`, `on_delete`, `on_truncate`, `on_drop`, `on_alter`, `on_error`, `indexes`,"
        " `shard_key`, `embed`, `hidden`, `history`"
    )


@pytest.mark.parametrize("command", [["mapping", "check", "--offline"], ["check"], ["run"]])
def test_paths_begin_where_one_is(
    command: list[str],
    project: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (project / "mappings" / "bad.yaml").write_text(f"{HEAD}nosuch: 1\n")
    (project / "apart").mkdir()
    whole = project.resolve()

    def told(*options: str) -> str:
        assert cli.run([*command, *options]) == 2
        seen = capsys.readouterr()
        return seen.out + seen.err

    assert " mappings/bad.yaml:3: unknown key" in told()
    monkeypatch.chdir(project / "mappings")
    assert " bad.yaml:3: unknown key" in told("--config", "../cdc.yaml")
    monkeypatch.chdir(project / "apart")
    assert f" {whole}/mappings/bad.yaml:3: unknown key" in told("--config", "../cdc.yaml")
    monkeypatch.chdir(project.parent)
    assert f" {project.name}/mappings/bad.yaml:3: " in told("--config", f"{project}/cdc.yaml")


def test_so_do_the_configuration_s_own(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "cdc.yaml").write_text(CONFIG + "naem: x\n")
    (project / "mappings" / "good.yaml").write_text(HEAD)

    cli.run(["check"])
    here = capsys.readouterr().err
    monkeypatch.chdir(project / "mappings")
    cli.run(["check", "--config", "../cdc.yaml"])
    elsewhere = capsys.readouterr().err

    assert here.startswith("cdc: cdc.yaml:4: naem: unknown key")
    assert elsewhere.startswith(f"cdc: {project.resolve()}/cdc.yaml:4: naem: unknown key")


@pytest.mark.parametrize(
    ("pattern", "output"),
    [
        ("mappings/*.yaml", "mappings"),
        ("my maps/**/*.yaml", "'my maps'"),
        ("deep/er/*.yaml", "deep/er"),
        ("*.yaml.off", ", and write mappings: [*.yaml]"),
        ("mappings/*.yml", "mappings, and write mappings: [mappings/*.yaml]"),
    ],
)
def test_what_writes_mappings_is_said_where_there_are_none(
    project: Path, capsys: pytest.CaptureFixture[str], pattern: str, output: str
) -> None:
    (project / "cdc.yaml").write_text(f'{CONFIG}mappings: ["{pattern}"]\n')

    assert cli.run(["check"]) == 2

    told = capsys.readouterr().err
    assert told.startswith(f"cdc: cdc.yaml:4: mappings: `{pattern}` matches no file in ")
    assert "cdc mapping init 'SCHEMA.*' --output " in told
    assert told.endswith(f"{output}\n")


def test_check_tells_what_is_wrong_with_the_files_and_asks_the_source_all_the_same(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "mappings" / "bad.yaml").write_text(f'{HEAD}where: "a +"\n')

    assert cli.run(["check"]) == 2

    told = capsys.readouterr().out.splitlines()
    assert told[2] == "not checked target: its turn comes once the mapping files hold no mistakes"
    assert told[3:6] == [
        "wrong       mapping: mappings/bad.yaml:3: `where`: unexpected end: an expression expected",
        "    a +",
        "       ^",
    ]
    assert told[6].startswith("unreachable source: ")
    assert told[7:] == ["5 checks: 2 ok, 1 not checked, 1 unreachable, 1 wrong"]


def test_run_tells_the_place_too(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "mappings" / "bad.yaml").write_text(f'{HEAD}where: "a +"\n')

    assert cli.run(["run"]) == 2

    assert capsys.readouterr().err == (
        "cdc: mappings/bad.yaml:3: `where`: unexpected end: an expression expected\n"
        "    a +\n       ^\n"
    )
