"""The page of a technical worker: the state of replication."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cdc.model.job import JobKind
from cdc.observability.fleet import told
from cdc.writers.fleet import streams_of
from portal import mongodb
from portal.accounts.access import account, role_required
from portal.accounts.roles import Role
from portal.dashboards.replication import daemon, jobs
from portal.dashboards.replication.saved import Saved, letters, saved
from portal.dashboards.replication.verdict import verdict
from portal.mongodb import Document

PARTS: Final = ("verdict", "numbers", "jobs", "letters", "details", "streams")
"""The parts of the page that refresh themselves, by their templates' names."""

_MONGODB_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Stored:
    """The facts in MongoDB; none if it does not answer."""

    answers: bool = False
    saved: Saved | None = None
    jobs: list[jobs.Shown] = field(default_factory=list)
    letters_open: int | None = None
    letters: list[Document] = field(default_factory=list)
    streams: list[Document] = field(default_factory=list)


def _by_form(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Accept a form by POST; a visitor who returns from login by GET is sent to the page."""

    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        return view(request) if request.method == "POST" else redirect("dashboards:replication")

    return answer


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
    """Return the current parts of the page, and the lag."""
    seen = _seen()
    judged = seen["verdict"]
    return JsonResponse(
        {
            "at": seen["at"].timestamp(),
            "word": judged.word,
            "lag_seconds": judged.lag_seconds,
            "parts": {
                name: render_to_string(f"dashboards/replication/{name}.html", seen)
                for name in PARTS
            },
        }
    )


@role_required(Role.TECHNICAL_WORKER)
@_by_form
def ask_for_job(request: HttpRequest) -> HttpResponseRedirect:
    """Request a resync or a verification: the form's one field is the kind, its value the table."""
    kind = next((each for each in jobs.ASKED_FOR if each.value in request.POST), None)
    try:
        if kind is None:
            raise jobs.Refused("What is to be done was not said.")
        _ask(kind, request.POST[kind.value], by=account(request).username)
    except jobs.Refused as refused:
        messages.error(request, str(refused))
    except mongodb.Unavailable:
        messages.error(request, "MongoDB does not answer, or refuses it: nothing was asked for.")
    else:
        messages.success(request, f"Asked for a {kind} of {request.POST[kind.value]}.")
    return redirect("dashboards:replication")


@role_required(Role.TECHNICAL_WORKER)
@_by_form
def cancel_job(request: HttpRequest) -> HttpResponseRedirect:
    """Cancel an open job, the form's `job`."""
    try:
        if jobs.cancel(mongodb.state(), request.POST.get("job", "")):
            messages.success(request, "Cancelled. What the job has written stays.")
        else:
            messages.error(request, "This job is not open any more.")
    except jobs.Refused as refused:
        messages.error(request, str(refused))
    return redirect("dashboards:replication")


def _ask(kind: JobKind, table: str, *, by: str) -> None:
    with mongodb.within(_MONGODB_SECONDS):
        state = mongodb.state()
        known = saved(state)
        jobs.ask(state, kind, table, known=known.tables if known else (), by=by)


def _seen() -> dict[str, Any]:
    answer, stored = daemon.ask(), _stored()
    return {
        "at": datetime.now(UTC),
        "stream": settings.CDC_NAME,
        "answer": answer,
        "status": answer.status,
        "process": answer.process,
        "stored": stored,
        "verdict": verdict(answer, stored.saved),
    }


def _stored() -> Stored:
    try:
        with mongodb.within(_MONGODB_SECONDS):
            state = mongodb.state()
            count, latest = letters(state)
            streams = told(streams_of(state))
            return Stored(True, saved(state), jobs.shown(state), count, latest, streams)
    except mongodb.Unavailable:
        return Stored()
