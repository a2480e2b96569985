"""Where the documentation says more of an error than its message does.

Once the website is published, `[project.urls]` of the package has its address. Until then it is a
path within the repository, which the source archive has as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import metadata
from typing import Final

from cdc import DISTRIBUTION, errors
from cdc.errors import CdcError

FOLDER: Final = "docs/"
PAGE: Final = "reference/errors"
LABEL: Final = "Documentation"
"""The key of `[project.urls]`, as the package index knows it."""


def more_about(error: CdcError) -> str:
    """Return the address of an error's section, empty if the message is all that there is."""
    if not error.explained:
        return ""
    section = next(each for each in type(error).__mro__ if each.__module__ == errors.__name__)
    urls = metadata(DISTRIBUTION).get_all("Project-URL") or []
    return f"{page_in(urls)}#{section.__name__.lower()}"


def page_in(project_urls: Sequence[str]) -> str:
    """Return the address of the page; each URL is `LABEL, ADDRESS`, as the metadata have it."""
    for label, _, address in (each.partition(", ") for each in project_urls):
        if label == LABEL:
            return f"{address.rstrip('/')}/{PAGE}.html"
    return f"{FOLDER}{PAGE}.md"
