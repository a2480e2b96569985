"""The page of a technical worker: the state of replication."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cdc.observability.fleet import told
from cdc.writers.fleet import streams_of
from portal import mongodb
from portal.accounts.access import role_required
from portal.accounts.roles import Role
from portal.dashboards.replication import daemon, jobs, letters
from portal.dashboards.replication.jobs import Shown
from portal.dashboards.replication.letters import Letter
from portal.dashboards.replication.recent import Recent, recent
from portal.dashboards.replication.route import route
from portal.dashboards.replication.saved import Saved, saved
from portal.dashboards.replication.sizes import Sizes, sizes
from portal.dashboards.replication.tables import Table
from portal.dashboards.replication.verdict import verdict
from portal.mongodb import Document

PARTS: Final = ("verdict", "numbers", "tables", "jobs", "letters", "details", "streams")
"""The parts of the page that refresh themselves, by their templates' names."""

MONGODB_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Stored:
    """The facts in MongoDB; none if it does not answer."""

    answers: bool = False
    saved: Saved | None = None
    jobs: list[Shown] = field(default_factory=list)
    verified: dict[str, Shown] = field(default_factory=dict)
    letters_open: int | None = None
    letters: list[Letter] = field(default_factory=list)
    streams: list[Document] = field(default_factory=list)
    sizes: Sizes = field(default_factory=Sizes)


@require_GET
@never_cache
@role_required(Role.TECHNICAL_WORKER)
def replication(request: HttpRequest) -> HttpResponse:
    """Show the state of replication, and the jobs to request."""
    return render(request, "dashboards/replication.html", _seen())


@require_GET
@never_cache
@role_required(Role.TECHNICAL_WORKER)
def replication_state(request: HttpRequest) -> HttpResponse:
    """Return the current parts of the page, the lag, and that of the last half hour."""
    seen = _seen()
    judged = seen["verdict"]
    return JsonResponse(
        {
            "at": seen["at"].timestamp(),
            "word": judged.word,
            "lag_seconds": judged.lag_seconds,
            "lags": seen["recent"].lags,
            "parts": {
                name: render_to_string(f"dashboards/replication/{name}.html", seen)
                for name in PARTS
            },
        }
    )


def _seen() -> dict[str, Any]:
    answer, stored = daemon.ask(), _stored()
    now = datetime.now(UTC)
    kept = Recent() if answer.is_silent else recent(daemon.ask_recent(), now.timestamp())
    tables = stored.saved and Table.each(stored.saved, stored.sizes, kept, stored.verified)
    return {
        "at": now,
        "stream": settings.CDC_NAME,
        "answer": answer,
        "status": answer.status,
        "process": answer.process,
        "recent": kept,
        "stored": stored,
        "tables": [*(tables or ())],
        "route": route(answer, reads_mongodb=stored.answers),
        "verdict": verdict(answer, stored.saved),
        "every_letter": letters.ALL,
    }


def _stored() -> Stored:
    try:
        with mongodb.within(MONGODB_SECONDS):
            state = mongodb.state()
            known = saved(state)
            count, latest = letters.latest(state)
            return Stored(
                answers=True,
                saved=known,
                jobs=jobs.shown(state),
                verified=jobs.last_verified(state),
                letters_open=count,
                letters=latest,
                streams=told(streams_of(state)),
                sizes=_sizes(known),
            )
    except mongodb.Unavailable:
        return Stored()


def _sizes(known: Saved | None) -> Sizes:
    if known is None:
        return Sizes()
    collections = {each for targets in known.copies.values() for each in targets}
    return sizes(mongodb.documents(), known.tables, collections)
