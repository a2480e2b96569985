"""The layers in docs/architecture.md are those that import-linter holds, and few."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CDC = ROOT / "cdc"
MOST_BOXES = 25


def contract() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    [floors] = [
        each["layers"]
        for each in project["tool"]["importlinter"]["contracts"]
        if each.get("containers") == ["cdc"]
    ]
    return [str(each) for each in floors]


def table() -> list[list[str]]:
    text = (ROOT / "docs/architecture.md").read_text()
    section = text.partition("## The layers\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| [^|]+ \| (`.*`) \|$", section, re.MULTILINE)
    return [row.replace("\\|", "|").replace("`", "").split(" › ") for row in rows]


PACKAGES = sorted(each.parent for each in CDC.glob("*/__init__.py"))


def test_the_table_of_layers_has_five_lines_and_is_the_contract() -> None:
    layers = table()

    assert len(layers) == 5
    assert [floor for layer in layers for floor in layer] == contract()


def test_the_top_of_the_import_graph_stays_small() -> None:
    boxes = [box for floor in contract() for box in floor.split(" | ")]

    assert len(boxes) < MOST_BOXES


@pytest.mark.parametrize("package", PACKAGES, ids=lambda each: each.name)
def test_a_package_says_in_one_line_what_it_is_for(package: Path) -> None:
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""

    assert re.fullmatch(r".{20,100}\.", docstring.partition("\n")[0])
