"""Long pages begin with a list of their contents, which the website leaves out."""

from __future__ import annotations

import pytest

from tests.support.checkout import ROOT
from website.contents import renewed, without

LONG = ("configuration", "mapping", "operations")
PAGE = """# Page

Its first words.

<!-- contents -->
**On this page:** [Gone](#gone)

## `one`, two

```sh
## no heading
```

### Below it

## Two `a_b`

## Two `a_b`
"""


@pytest.mark.parametrize("name", LONG)
def test_the_list_of_a_page_is_that_of_its_headings(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text()

    assert "<!-- contents -->\n**On this page:** [" in text
    assert renewed(text) == text, "type: python -m website contents"


def test_a_list_has_each_heading_and_those_of_lower_levels_in_brackets() -> None:
    listed = renewed(PAGE).partition("<!-- contents -->\n")[2].partition("\n\n")[0]

    assert listed == (
        "**On this page:** [`one`, two](#one-two) ([Below it](#below-it)) ·"
        " [Two `a_b`](#two-a_b) · [Two `a_b`](#two-a_b-1)"
    )


def test_a_long_list_is_broken_between_its_links() -> None:
    headings = "".join(f"## The heading of part {number}\n\n" for number in range(9))

    lines = renewed(f"<!-- contents -->\n\n{headings}").splitlines()[1:4]

    assert len(lines) == 3
    assert all(line.count("[") == line.count(")") for line in lines)
    assert max(map(len, lines)) <= 125


def test_the_website_has_the_page_without_it() -> None:
    page = without(PAGE)

    assert page.startswith("# Page\n\nIts first words.\n\n## `one`, two\n")


def test_a_page_without_a_list_gets_none() -> None:
    assert renewed("# Page\n\n## One\n") == "# Page\n\n## One\n"
