"""Where the documentation says more of an error than its message does."""

from __future__ import annotations

from typing import Final

from cdc import errors
from cdc.errors import CdcError
from cdc.terminal.pages import page

PAGE: Final = "reference/errors"


def more_about(error: CdcError) -> str:
    """Return the address of an error's section, empty if the message is all that there is."""
    if not error.explained:
        return ""
    section = next(each for each in type(error).__mro__ if each.__module__ == errors.__name__)
    return page(PAGE, section.__name__.lower())
