"""What the site has in the place of a page's line `<!-- generated: … -->`.

In the repository such a page is read without it, so nothing is written anew when code changes.
"""

from __future__ import annotations

import re

from website import command_line, contents, messages

MARK = re.compile(r"^<!-- generated: (\w+)(?: (\w+))? -->$", re.MULTILINE)


def filled(text: str) -> str:
    """Return a page with what its marks ask for, and without its list of contents."""
    return MARK.sub(lambda mark: _content(mark[1], mark[2]), contents.without(text))


def _content(what: str, of: str | None) -> str:
    match what, of:
        case "commands", None:
            return command_line.reference()
        case "messages", str(error):
            return messages.reference(error)
    raise ValueError(f"no page can ask for {what} {of}")
