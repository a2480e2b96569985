import json
from pathlib import Path

from click.testing import CliRunner

from cdc.commands.mapping import mapping
from cdc.mapping.file.problems import MappingError
from cdc_sandbox.servers import MySQLServer


def configure(folder: Path, server: MySQLServer, *mappings: str) -> str:
    for at, text in enumerate(mappings):
        (folder / f"{at}.yaml").write_text(text)
    keys = {
        "name": "explained",
        "source": {
            "host": server.host,
            "port": server.port,
            "user": server.user,
            "password": server.password,
            "server_id": 77,
            "tls": "off",
        },
        "target": {"uri": "mongodb://127.0.0.1:1/", "database": "shop"},
        "mappings": ["[0-9].yaml"],
        "start": "now",
    }
    (folder / "cdc.yaml").write_text(json.dumps(keys))
    return str(folder / "cdc.yaml")


def test_explain_prints_the_generated_functions(
    source: MySQLServer, schema: str, tmp_path: Path
) -> None:
    source.execute(f"CREATE TABLE {schema}.things (id BIGINT PRIMARY KEY, name VARCHAR(20))")
    config = configure(tmp_path, source, f"source: {schema}.things\ntarget: things\n")

    result = CliRunner().invoke(mapping, ["explain", f"{schema}.things", "--config", config])

    assert result.exit_code == 0, result.output
    assert "# The columns are numbered: 0 id, 1 name. " in result.stdout
    assert "def insert(images, p, " in result.stdout
    assert "\\x02name\\x00" in result.stdout


def test_check_holds_every_file_against_its_table(
    source: MySQLServer, schema: str, tmp_path: Path
) -> None:
    source.execute(f"CREATE TABLE {schema}.things (id BIGINT PRIMARY KEY, name VARCHAR(20))")
    config = configure(
        tmp_path,
        source,
        f"source: {schema}.things\ntarget: a\nfields:\n  name: nmae\n  x: {{colum: id}}\n",
        f"source: {schema}.thing\ntarget: b\n",
    )

    result = CliRunner().invoke(mapping, ["check", "--config", config])

    assert isinstance(result.exception, MappingError)
    assert [(one.file.name, one.line, one.what) for one in result.exception.mistakes] == [
        ("0.yaml", 4, "unknown column `nmae`, did you mean `name`?"),
        ("0.yaml", 5, "unknown key `colum`, did you mean `column`?"),
        (
            "1.yaml",
            1,
            f"the source has no table {schema}.thing that its user may read,"
            f" did you mean `{schema}.things`?",
        ),
    ]


def test_check_says_that_it_could_not_look_at_the_tables(
    mysql: MySQLServer, tmp_path: Path
) -> None:
    config = configure(tmp_path, mysql, "source: no.where\ntarget: a\nfeilds: {}\n")
    keys = json.loads(Path(config).read_text())
    keys["source"]["port"] = 1
    Path(config).write_text(json.dumps(keys))

    result = CliRunner().invoke(mapping, ["check", "--config", config])

    assert isinstance(result.exception, MappingError)
    assert [one.line for one in result.exception.mistakes] == [3]
    assert result.stderr.startswith("the tables were not looked at: the source 127.0.0.1:1 cannot")


def test_check_offline_asks_no_server(source: MySQLServer, tmp_path: Path) -> None:
    config = configure(tmp_path, source, "source: no.where\ntarget: a\n")

    result = CliRunner().invoke(mapping, ["check", "--offline", "--config", config])

    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("0.yaml: no.where becomes a\n")
