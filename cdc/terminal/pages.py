"""The address of a page of the documentation, for messages.

Once the website is published, `[project.urls]` of the package has its address. Until then it is a
path within the repository, which the source archive has as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import metadata
from typing import Final

from cdc import DISTRIBUTION

FOLDER: Final = "docs/"
LABEL: Final = "Documentation"
"""The key of `[project.urls]`, as the package index knows it."""


def page(name: str, section: str = "") -> str:
    """Return the address of a page, as `reference/errors`, or of the section with this anchor."""
    return f"{page_in(_project_urls(), name)}{section and f'#{section}'}"


def page_in(project_urls: Sequence[str], name: str) -> str:
    """Return the address of a page; each URL is `LABEL, ADDRESS`, as the metadata have it."""
    for label, _, address in (each.partition(", ") for each in project_urls):
        if label == LABEL:
            return f"{address.rstrip('/')}/{name}.html"
    return f"{FOLDER}{name}.md"


@cache
def _project_urls() -> Sequence[str]:
    return metadata(DISTRIBUTION).get_all("Project-URL") or []
