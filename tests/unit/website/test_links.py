from __future__ import annotations

from website.links import linked, replaced

PAGE = """See [the unit](../config/cdc.service), [a heading](#install) and [the keys](page.md#keys).

```markdown
[no link](nowhere.md)
```

![A picture](images/one.png) of [another site](https://example.com/page.md).
"""


def test_each_file_that_a_page_links_to_is_found_and_nothing_else() -> None:
    found = list(linked(PAGE))

    assert found == ["../config/cdc.service", "page.md", "images/one.png"]


def test_files_are_replaced_and_anchors_and_code_are_kept() -> None:
    changed = replaced(PAGE, lambda file: f"there/{file}")

    assert "(there/../config/cdc.service)" in changed
    assert "(there/page.md#keys)" in changed
    assert "(#install)" in changed
    assert "[no link](nowhere.md)" in changed
    assert "(https://example.com/page.md)" in changed


def test_a_code_block_ends_at_its_own_fence_only() -> None:
    text = "````\n```\n[no](link.md)\n```\n````\n[a](link.md)\n"

    assert replaced(text, lambda _: "x") == "````\n```\n[no](link.md)\n```\n````\n[a](x)\n"


def test_pictures_in_html_are_found_and_replaced() -> None:
    text = '<source srcset="a.svg">\n<img src="b.svg" alt="c">\n'

    assert list(linked(text)) == ["a.svg", "b.svg"]
    assert replaced(text, lambda file: f"there/{file}") == (
        '<source srcset="there/a.svg">\n<img src="there/b.svg" alt="c">\n'
    )
