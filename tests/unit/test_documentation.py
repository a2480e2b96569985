"""An error names the place where the documentation says more, if there is more to read."""

from __future__ import annotations

import re

import pytest

from cdc import errors
from cdc.documentation import more_about, page_in
from cdc.errors import CdcError, Halted, PositionPurged, UsageError
from cdc.readers.server.driver_errors import AccessDenied
from tests.support.checkout import ROOT

EXPLAINED = [
    each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, CdcError) and each.explained
]


@pytest.mark.parametrize("kind", EXPLAINED)
def test_the_place_is_a_heading_of_the_page(kind: type[CdcError]) -> None:
    page, _, section = more_about(kind()).partition("#")

    headings = re.findall(r"^## (\w+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert section in {heading.lower() for heading in headings}


def test_what_has_no_section_of_its_own_is_explained_by_its_kind() -> None:
    class Displaced(Halted):
        pass

    assert more_about(Displaced()) == "docs/reference/errors.md#halted"
    assert more_about(AccessDenied()) == "docs/reference/errors.md#unfit"


def test_what_ends_for_a_human_to_decide_is_explained_and_a_mistake_in_usage_is_not() -> None:
    assert {Halted, PositionPurged} < set(EXPLAINED)
    assert more_about(UsageError()) == ""


@pytest.mark.parametrize("address", ["https://cdc.example.org", "https://cdc.example.org/"])
def test_a_published_website_is_named_in_the_place_of_the_path(address: str) -> None:
    urls = ["Changelog, https://example.org/changes", f"Documentation, {address}"]

    assert page_in(urls) == "https://cdc.example.org/reference/errors.html"
