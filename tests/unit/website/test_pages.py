"""What the pages of docs/ tell to type and to write is what cdc takes."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import click
import pytest
import yaml

from cdc.cli import command_line
from cdc.config import load
from cdc.config.yaml12 import parse
from cdc.mapping.file.mapping import Mapping
from tests.end_to_end.support.certificates import make
from tests.support.pages import Block, blocks, pages

FOLDERS = ("tutorials", "how-to", "reference", "explanation")
BLOCKS = [block for folder in FOLDERS for page in pages(folder) for block in blocks(page)]
TYPED = re.compile(r"^(?:[$#] )(?:.* -- |if |! )?(cdc [a-z].*)$", re.MULTILINE)
ENVIRONMENT = {
    "CDC_SOURCE_PASSWORD": "secret",
    "CDC_TARGET_URI": "mongodb://mongo/?replicaSet=rs0",
    "CDC_KAFKA_PASSWORD": "secret",
    "MYSQL_PORT": "3306",
    "MYSQL_PASSWORD": "secret",
    "MONGO_URI": "mongodb://mongo/?replicaSet=rs0",
}


def commands() -> list[tuple[str, str]]:
    """Return each command of cdc that a page types, with its page."""
    return [
        (block.page, found[1])
        for block in BLOCKS
        if block.language == "console"
        for found in TYPED.finditer(block.text)
        if "cdc()" not in found[1]
    ]


def named(part: str) -> list[Block]:
    """Return the files of YAML whose names begin so, behind /etc/cdc/ too."""
    return [
        each
        for each in BLOCKS
        if each.language == "yaml" and each.title.removeprefix("/etc/cdc/").startswith(part)
    ]


def resolved(words: list[str]) -> None:
    """Parse a command line as cdc does, without running it."""
    command: click.Command = command_line
    context = click.Context(command_line, info_name="cdc")
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert found is not None, name
        command, context = found, click.Context(found, info_name=name, parent=context)
    command.make_parser(context).parse_args(list(words))


@pytest.mark.parametrize(("page", "line"), commands())
def test_each_command_that_a_page_types_is_one(page: str, line: str) -> None:
    words = shlex.split(re.split(r" (?:\|\||&&|2?>>?|\||&)", line)[0], comments=True)

    resolved(words[1:])


def test_an_option_that_is_none_would_be_noticed() -> None:
    with pytest.raises(click.NoSuchOption):
        resolved(["verify", "--mend"])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("certificates")).authority


def machine(folder: Path, authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make what the pages' configurations name: variables, files, and programs that are there."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in ("mappings", "programs"):
        (folder / name).mkdir()
    (folder / "source_password").touch()
    for name in ("ca.pem", "rds-ca.pem"):
        (folder / name).symlink_to(authority)
    for name in ("aws", "vault"):
        (folder / "programs" / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(folder / "programs"))
    (folder / "mappings" / "orders.yaml").write_text("source: shop.orders\ntarget: orders\n")


@pytest.mark.parametrize("block", named("cdc"), ids=lambda block: f"{block.page}:{block.line}")
def test_each_configuration_is_one(
    block: Block, authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(tmp_path, authority, monkeypatch)
    config = tmp_path / "cdc.yaml"
    config.write_text(block.text.replace("/run/secrets/", f"{tmp_path}/"))

    assert load(config).name == "shop"


@pytest.mark.parametrize(
    "block", named("mappings/"), ids=lambda block: f"{block.page}:{block.line}"
)
def test_each_mapping_is_one(block: Block) -> None:
    mapping = Mapping.model_validate(parse(block.text).data)

    assert mapping.source.startswith("shop.")


def test_every_other_example_can_be_read() -> None:
    for block in BLOCKS:
        match block.language:
            case "yaml":
                assert yaml.safe_load(block.text), f"{block.page}:{block.line}"
            case "json":
                assert json.loads(block.text), f"{block.page}:{block.line}"
            case "python":
                compile(block.text, block.page, "exec")


@pytest.mark.parametrize("program", [each for each in BLOCKS if each.title.endswith(".py")])
def test_a_program_to_save_hides_no_module_of_the_standard_library(program: Block) -> None:
    """Python looks in the folder first: each program there would import it instead."""
    assert Path(program.title).stem not in sys.stdlib_module_names, program.page
