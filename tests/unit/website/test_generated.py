"""What code says of itself on pages of the website."""

from __future__ import annotations

import pytest

from cdc import errors
from cdc.cli import SUMMARIES
from website import command_line, messages
from website.generated import filled


def test_each_command_and_subcommand_has_a_section() -> None:
    text = command_line.reference()

    assert [name for name in SUMMARIES if f"\n## cdc {name}\n" not in f"\n{text}"] == []
    assert "\n### cdc dead-letters retry\n" in text
    assert (
        "* `--sample N%`: Compare about this share of the rows; a small table is compared whole."
        in text
    )


def test_an_error_s_messages_stand_above_their_remedy() -> None:
    text = messages.reference(errors.SourceDiverged.__name__)

    diverged, _, rest = text.partition("**Remedy:**")
    assert "* the checkpoint is ahead of the source, whose binlog ends at END" in diverged
    assert "cdc position set --start now --resync --yes" in rest.splitlines()[0]


def test_constants_of_the_same_name_are_those_of_the_module() -> None:
    found = dict(messages.messages("Unfit"))

    logins = [remedy for message, remedy in found.items() if "by the plugin PLUGIN only" in message]
    assert len(logins) == 1
    assert "ALTER USER" in logins[0]


def test_a_page_has_what_its_marks_ask_for() -> None:
    page = filled("# Errors\n\n<!-- generated: messages UnknownEvent -->\n\nThat is all.\n")

    assert "* event type TYPE is not known to cdc" in page
    assert "generated" not in page


def test_a_mark_that_nothing_answers_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="nothing"):
        filled("<!-- generated: nothing -->")
