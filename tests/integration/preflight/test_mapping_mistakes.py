"""`cdc check` tells all mistakes of the mapping files at once, also those that the source shows."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from cdc import cli
from cdc_sandbox.servers import MySQLServer
from tests.integration.preflight.support.checked import Setup

NAME = "name VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"


def test_mistakes_of_a_file_stand_in_its_order(
    setup: Setup, schema: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (setup.folder / "mappings" / "orders.yaml").write_text(
        f"source: {schema}.orders\n"
        "taget: orders\n"
        "fields:\n"
        "  a: {column: a, type: x}\n"
        "  b: {column: b, foo: 1}\n"
    )

    cli.run(["check", "--config", str(setup.path)])

    out = capsys.readouterr().out
    assert re.findall(r"orders\.yaml:(\d+): ", out) == ["1", "2", "4", "5"]


def test_columns_that_are_unknown_are_told_beside_mistakes_of_syntax(
    setup: Setup,
    source: MySQLServer,
    schema: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source.execute(f"CREATE TABLE {schema}.orders (id INT PRIMARY KEY, {NAME})")
    source.execute(f"CREATE TABLE {schema}.lines (id INT PRIMARY KEY)")
    (setup.folder / "mappings" / "orders.yaml").write_text(
        f"source: {schema}.orders\n"
        "target: orders\n"
        "fields:\n"
        '  a: {sql: "COALESCE(name,"}\n'
        "  b: {column: nosuch, tyype: x}\n"
        "  c: {sql: \"CONCAT('日本', nam)\"}\n"
        "  d: {sql: id + name}\n"
        "  e: nosuch\n"
    )
    (setup.folder / "mappings" / "lines.yaml").write_text(
        f"source: {schema}.lines\ntarget: lines\nid: no\nwhere: n = 1\n"
    )
    path = setup.path
    monkeypatch.chdir(setup.folder)

    code = cli.run(["check", "--config", str(path)])

    told = capsys.readouterr().out.splitlines()
    at = next(at for at, line in enumerate(told) if line.startswith("wrong"))
    orders, lines = (
        f"wrong       mapping {schema}.orders: ",
        f"wrong       mapping {schema}.lines: ",
    )
    wrong = [
        line.replace(orders, "O ").replace(lines, "L ")
        for line in told[at:]
        if line.startswith(("wrong", "    "))
    ]
    assert code == 2
    assert wrong == [
        "wrong       mapping: mappings/orders.yaml:4: `fields.a.sql`: unexpected end: an"
        " expression expected",
        "    COALESCE(name,",
        "                  ^",
        "wrong       mapping: mappings/orders.yaml:5: unknown key `tyype`, did you mean `type`?",
        "L mappings/lines.yaml:3: unknown column `no`; there is `id`",
        "L mappings/lines.yaml:4: unknown column `n`; there is `id`",
        "    n = 1",
        "    ^",
        "O mappings/orders.yaml:5: unknown column `nosuch`; there is `id`, `name`",
        "O mappings/orders.yaml:6: unknown column `nam`, did you mean `name`?",
        "    CONCAT('日本', nam)",
        "                   ^",
        "O mappings/orders.yaml:7: `fields.d`: a text (utf8mb4_bin) is used as a number; write"
        " CAST(… AS SIGNED), CAST(… AS DECIMAL(p,s)) or CAST(… AS DOUBLE)",
        "    id + name",
        "         ^",
        "O mappings/orders.yaml:8: unknown column `nosuch`; there is `id`, `name`",
    ]
    assert any(line.startswith("not checked target: ") for line in told)
    assert told[-1].endswith(", 1 not checked, 8 wrong")

    assert cli.run(["mapping", "check", "--config", str(path)]) == 2

    same = capsys.readouterr().err.removeprefix("cdc: ").splitlines()
    assert sorted(same) == sorted(re.sub(r"^(wrong +mapping:|O|L) ", "", line) for line in wrong)


def test_a_start_tells_the_place_that_the_source_shows(
    setup: Setup, source: MySQLServer, schema: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source.execute(f"CREATE TABLE {schema}.orders (id INT PRIMARY KEY, {NAME})")
    setup.follow(f"{schema}.orders", where="id + name")
    path = setup.path
    keys = {"http": {"listen": "127.0.0.1:0"}, "log": {"format": "console"}}
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))

    assert cli.run(["run", "--config", str(path)]) == 2

    told = capsys.readouterr().err
    assert ":1: `where`: a text (utf8mb4_bin) is used as a number" in told
    assert "\n    id + name\n         ^\n  remedy: " in told


@pytest.mark.parametrize("folder", ["mappings", "all my/maps"])
def test_the_command_that_writes_mappings_works_as_it_is_printed(
    setup: Setup,
    source: MySQLServer,
    schema: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    folder: str,
) -> None:
    source.execute(f"CREATE TABLE {schema}.orders (id INT PRIMARY KEY, {NAME})")
    path = setup.path
    keys = {"mappings": [f"{folder}/*.yaml"]}
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))
    monkeypatch.chdir(setup.folder.parent)

    assert cli.run(["check", "--config", str(path)]) == 2

    printed = re.search(r"cdc (mapping init .*)", capsys.readouterr().err)
    assert printed is not None
    assert cli.run(shlex.split(printed[1].replace("SCHEMA", schema))) == 0
    assert cli.run(["check", "--config", str(path)]) == 0
