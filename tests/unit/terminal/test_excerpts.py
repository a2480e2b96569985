"""The caret stands under the place, whatever the line holds."""

import unicodedata

import pytest

from cdc.terminal.excerpts import INDENT, WIDTH, excerpt


def columns(text: str) -> int:
    """Return the columns of a text without marks."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def under_caret(shown: str) -> str:
    """Return what stands over the caret, to the end of the line."""
    line, caret = shown.split("\n")
    for at in range(len(line) + 1):
        if columns(line[:at]) == len(caret) - 1:
            return line[at:]
    raise AssertionError(shown)


@pytest.mark.parametrize(
    "before",
    [
        "",
        "a ",
        "a\t\tb ",
        "'日本語' ",
        "'😀' ",
        "日本 + `😀` + 'ü' ",
        "'\x1b[31m' ",
        "'\u202e\x9b' ",
    ],
)
def test_the_caret_stands_under_the_place(before: str) -> None:
    text = f"{before}HERE + 1"

    assert under_caret(excerpt(text, len(before))) == "HERE + 1"


def test_marks_that_take_no_column_do_not_move_it() -> None:
    text = "'u\u0308\u200d' HERE"

    line, caret = excerpt(text, 6).split("\n")

    assert line == INDENT + text
    assert caret == f"{INDENT}    ^"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n  b HERE\nc", "b HERE"),
        ("HERE\n\nc", "HERE"),
        ("a\n\n\t HERE", "HERE"),
        ("  HERE", "HERE"),
    ],
)
def test_only_the_line_of_the_place_is_shown(text: str, line: str) -> None:
    shown = excerpt(text, text.index("HERE"))

    assert shown.startswith(f"{INDENT}{line}\n")
    assert under_caret(shown) == "HERE"


def test_the_place_may_be_the_end() -> None:
    assert excerpt("a +", 3) == f"{INDENT}a +\n{INDENT}   ^"
    assert excerpt("a +  \n", 3) == f"{INDENT}a +\n{INDENT}   ^"


@pytest.mark.parametrize("filling", ["x", "日", "\tx", "\x1b", "e\u0301"])
@pytest.mark.parametrize(("before", "behind"), [(500, 500), (0, 500), (500, 0), (30, 500), (69, 0)])
def test_of_a_long_line_what_is_around_is_shown(filling: str, before: int, behind: int) -> None:
    text = f"{filling * before}'HERE{filling * behind}"

    shown = excerpt(text, text.index("HERE"))

    marked = under_caret(unicodedata.normalize("NFC", shown))
    assert marked.startswith("HERE")
    assert columns(unicodedata.normalize("NFC", shown.split("\n")[0])) <= WIDTH + len(INDENT)
    assert shown.startswith(f"{INDENT}...") or before < 100
    assert marked.endswith("...") or behind == 0


def test_an_excerpt_holds_nothing_that_a_terminal_obeys() -> None:
    text = "".join(map(chr, [*range(9), *range(11, 32), 127, 155, 0x2028, 0x202E])) + "x"

    assert excerpt(text, len(text) - 1).replace("\n", "").isprintable()
