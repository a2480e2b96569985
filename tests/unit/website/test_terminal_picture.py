"""The moving picture of the demo shows its lines in time, and rests where that is wanted."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tests.support.checkout import ROOT
from website.cast import Line
from website.demo_picture import PICTURE, STILL
from website.terminal_picture import moving, still

LINES = [
    Line(0, "$ cat <a>", 0.0, 2.0),
    Line(0, "$ cat <b>", 2.0, None),
    Line(1, "b & c", 3.0, None),
]
TEXT = "{http://www.w3.org/2000/svg}text"


def texts(picture: str) -> list[str]:
    return ["".join(each.itertext()) for each in ElementTree.fromstring(picture).iter(TEXT)]


def test_each_line_is_drawn_and_the_end_stays() -> None:
    picture = moving(LINES, 4.0, title="A title", told="What it shows")

    assert texts(picture) == ["$ cat <a>", "$ cat <b>", "b & c"]
    assert "@keyframes l0{0.000%{visibility:visible}20.000%{visibility:hidden}}" in picture
    assert "@keyframes l2{0.000%{visibility:hidden}30.000%{visibility:visible}}" in picture
    assert re.findall(r'class="(\w+)', picture) == ["past", "last", "last"]


def test_it_is_as_wide_as_its_longest_line() -> None:
    picture = ElementTree.fromstring(moving(LINES, 4.0, title="A title", told="What it shows"))

    assert picture.get("width") == str(9 * 8 + 2 * 18)


def test_who_wants_less_motion_sees_the_end() -> None:
    picture = moving(LINES, 4.0, title="A title", told="What it shows")

    assert (
        "@media (prefers-reduced-motion:reduce){.past,.last{animation:none!important}}" in picture
    )
    assert texts(still(LINES, title="A title", told="What it shows")) == ["$ cat <b>", "b & c"]


@pytest.mark.parametrize("page", ["README.md", "docs/README.md"])
def test_a_page_shows_the_still_to_who_wants_less_motion_and_says_what_it_shows(page: str) -> None:
    text = (ROOT / page).read_text()

    [shown] = re.findall(r"<picture>.*?</picture>", text, re.DOTALL)
    assert re.search(
        r'media="\(prefers-reduced-motion: reduce\)" srcset="\S*demo-still\.svg"', shown
    )
    assert re.search(r'<img src="\S*/?demo\.svg" alt="[^"]{50,}">', shown)


def test_the_pictures_are_small_and_end_as_the_demo_should() -> None:
    for path in (PICTURE, STILL):
        picture = path.read_text()

        assert len(picture) < 300_000
        assert texts(picture)[-2:] == ["result: both sides are equal", "$ "]
        assert 'role="img"' in picture
        assert "<desc" in picture


def test_the_pictures_tell_nothing_of_the_machine_that_drew_them() -> None:
    for path in (PICTURE, STILL):
        assert not re.search(r"(^|\s)/\w|password", "\n".join(texts(path.read_text())))
