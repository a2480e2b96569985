"""Writes errors into the log without what visitors have sent.

The traceback holds none of it, but some messages of MySQL quote the value that it refuses, and an
address may hold the token of a link for a new password.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Final

_OF_VALUES: Final = re.compile(
    r"^(?P<before>[\w.]+: \((?P<code>1062|1264|1265|1292|1366|1406|1411|1451|1452|3140|3819|4025), "
    r"[^']*').*(?P<behind>'.*)$",
    re.MULTILINE,
)
"""A line with an error of MySQL that quotes values: duplicate, out of range, wrong, too long."""

HIDDEN: Final = "***"

_OF_HOSTS: Final = "django.security.DisallowedHost"
_NOT_ALLOWED: Final = "a request for a host that PORTAL_ALLOWED_HOSTS does not name was refused"


class WithoutValues(logging.Formatter):
    """Formats a record with its traceback; values in it are shown as ***."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text, which names the pattern of a page's address instead of the address."""
        if record.name == _OF_HOSTS:
            told = {"msg": _NOT_ALLOWED, "args": (), "exc_info": None}
            return super().format(logging.makeLogRecord(record.__dict__ | told))
        match = getattr(getattr(record, "request", None), "resolver_match", None)
        if match is None or not isinstance(record.args, tuple) or not record.args:
            return super().format(record)
        args = (*record.args[:-1], f"/{match.route}")  # Django's records of requests end with it
        return super().format(logging.makeLogRecord(record.__dict__ | {"args": args}))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name is logging's
        """Return the traceback, its values hidden."""
        return without_values(super().formatException(ei))


def without_values(text: str) -> str:
    """Hide what errors of MySQL quote in a traceback."""
    return _OF_VALUES.sub(rf"\g<before>{HIDDEN}\g<behind>", text)
