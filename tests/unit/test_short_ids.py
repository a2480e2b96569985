from __future__ import annotations

import pytest

from cdc.errors import UsageError
from cdc.job_client.short_ids import only, shortened


def test_an_id_is_shown_as_far_as_it_differs() -> None:
    ids = ["0123456789", "0123456799", "f" * 10]

    assert shortened(ids) == {each: each[:9] for each in ids}
    assert shortened(["0123456789", "ffff"]) == {"0123456789": "01234567", "ffff": "ffff"}
    assert shortened([]) == {}


def test_any_beginning_that_only_one_has_is_enough() -> None:
    assert only("job", "ab", ["abc"], "look") == "abc"
    assert only("job", "ab", ["ab", "abc"], "look") == "ab"


@pytest.mark.parametrize(
    ("text", "found", "error"),
    [
        ("x", [], "there is no job x"),
        ("", ["abc"], "there is no job"),
        ("a", ["ab", "ac"], "a is the beginning of more than one job"),
    ],
)
def test_what_names_none_or_several_is_refused(text: str, found: list[str], error: str) -> None:
    with pytest.raises(UsageError, match=error):
        only("job", text, found, "see which there are: cdc jobs list")
