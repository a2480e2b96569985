"""`cdc notify`: whether notices arrive."""

from __future__ import annotations

from pathlib import Path

import click

from cdc.commands import Group, config_option
from cdc.config import load
from cdc.errors import CdcError, UsageError
from cdc.model.notice import Notice, NoticeEvent
from cdc.observability.notify.delivery import Delivery
from cdc.terminal.output import in_a_line, say
from cdc.terminal.pages import page


@click.group(cls=Group)
def notify() -> None:
    """See whether the webhook of `notify.url` takes notices."""


@notify.command()
@config_option
def test(config_path: Path) -> None:
    """Send one notice, and tell the answer. Exits 1 unless it was taken."""
    config = load(config_path, mappings_optional=True)
    if config.notify is None:
        raise UsageError(
            "no webhook is configured",
            remedy=f"write `notify: {{url: …}}`, see {page('observing', 'notices')}",
        )
    delivery = Delivery(config.notify, config.name)
    notice = Notice(NoticeEvent.TEST, f"a test of the notices of {config.name}", {})
    answer = delivery.send(notice)
    delivery.close()
    if not answer.taken:
        raise CdcError(
            f"{config.notify.host} has not taken it: {answer.what}",
            remedy="mend notify.url, notify.secret_file or the receiver, and test again",
        )
    signed = "signed" if config.notify.secret_file else "not signed: there is no notify.secret_file"
    say(in_a_line(f"{config.notify.host} has taken it: {answer.what}; {signed}"))
