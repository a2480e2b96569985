"""The list of contents at the head of a long page, for who reads it in the repository.

The site shows a page's headings beside it, and leaves the list out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from textwrap import wrap

from website.links import outside_of_code

MARK = "<!-- contents -->"
LIST = re.compile(rf"^{MARK}\n(?:.+\n)*\n", re.MULTILINE)
HEADING = re.compile(r"(##+) (.+)")
WIDTH = 125
_WITHIN_A_LINK = "\0"
"""Stands for a space where no line may end."""


def without(text: str) -> str:
    """Return a page without its list."""
    return LIST.sub("", text)


def renewed(text: str) -> str:
    """Return a page, its list as its headings are; as it is if it has none."""
    return LIST.sub(f"{MARK}\n{_list(text)}\n\n", text)


def _list(text: str) -> str:
    """Return the headings as links, those of lower levels in brackets behind theirs."""
    sections: list[list[str]] = []
    for is_below, link in _links(text):
        if is_below:
            sections[-1].append(link)
        else:
            sections.append([link])
    told = " · ".join(
        f"{link} ({' · '.join(below)})" if below else link for link, *below in sections
    )
    lines = wrap(f"**On this page:** {told}", WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace(_WITHIN_A_LINK, " ")


def _links(text: str) -> Iterator[tuple[bool, str]]:
    """Yield each heading below the title as a link, and whether it is below another one."""
    seen = Counter[str]()
    for line in outside_of_code(text):
        if found := HEADING.fullmatch(line):
            anchor = re.sub(r"[^\w\- ]", "", found[2].lower()).replace(" ", "-")
            again = f"-{seen[anchor]}" if seen[anchor] else ""
            seen[anchor] += 1
            title = found[2].replace(" ", _WITHIN_A_LINK)
            yield len(found[1]) > 2, f"[{title}](#{anchor}{again})"
