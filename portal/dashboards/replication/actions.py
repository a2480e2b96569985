"""What a technical worker does on the page of replication: each asks first, or does no harm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cdc.model.job import JobKind
from portal import mongodb
from portal.accounts.access import account, role_required
from portal.accounts.roles import Role
from portal.dashboards.replication import jobs, letters
from portal.dashboards.replication.jobs import Refused
from portal.dashboards.replication.saved import saved
from portal.dashboards.replication.views import MONGODB_SECONDS

_PAGE = "dashboards:replication"


def _by_form(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Accept a form by POST; a visitor who returns from login by GET is sent to the page."""

    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        return view(request) if request.method == "POST" else redirect(_PAGE)

    return answer


@role_required(Role.TECHNICAL_WORKER)
@_by_form
def ask_for_job(request: HttpRequest) -> HttpResponseRedirect:
    """Request a resync or a verification: the form's one field is the kind, its value the table."""
    kind = next((each for each in jobs.ASKED_FOR if each.value in request.POST), None)
    with _refusals_told(request):
        if kind is None:
            raise Refused("What is to be done was not said.")
        table = request.POST[kind.value]
        with mongodb.within(MONGODB_SECONDS):
            known = _tables()
            jobs.ask(mongodb.state(), kind, table, known=known, by=account(request).username)
        messages.success(request, f"Asked for a {kind} of {table}.")
    return redirect(_PAGE)


@require_GET
@never_cache
@role_required(Role.TECHNICAL_WORKER)
def confirm_resync(request: HttpRequest) -> HttpResponse:
    """Show what a resync of `?table=` does, and ask whether to."""
    table = request.GET.get("table", "")
    try:
        with mongodb.within(MONGODB_SECONDS):
            known = saved(mongodb.state())
    except mongodb.Unavailable:
        messages.error(request, "MongoDB does not answer, or refuses it: nothing was asked for.")
        return redirect(_PAGE)
    if known is None or table not in known.tables:
        raise Http404(f"the stream keeps no table {table[:100]!r}")
    seen = {"table": table, "collections": known.copies[table], "kind": JobKind.RESYNC.value}
    return render(request, "dashboards/replication_resync.html", seen)


@role_required(Role.TECHNICAL_WORKER)
@_by_form
def cancel_job(request: HttpRequest) -> HttpResponseRedirect:
    """Cancel an open job, the form's `job`."""
    with _refusals_told(request):
        if not jobs.cancel(mongodb.state(), request.POST.get("job", "")):
            raise Refused("This job is not open any more.")
        messages.success(request, "Cancelled. What the job has written stays.")
    return redirect(_PAGE)


@role_required(Role.TECHNICAL_WORKER)
@_by_form
def retry_letter(request: HttpRequest) -> HttpResponseRedirect:
    """Request that the row of a dead letter is read again, the form's `letter`; or all rows."""
    with _refusals_told(request):
        with mongodb.within(MONGODB_SECONDS):
            asked = letters.retry(
                mongodb.state(), request.POST.get("letter", ""), by=account(request).username
            )
        told = "Asked for a retry" if len(asked) == 1 else f"Asked for {len(asked)} retries"
        messages.success(request, f"{told}: the rows are read again, and their documents written.")
    return redirect(_PAGE)


@never_cache
@role_required(Role.TECHNICAL_WORKER)
def discard_letter(request: HttpRequest) -> HttpResponse:
    """Show the open dead letter `letter` and ask whether to discard it; a POST does."""
    sent = request.POST if request.method == "POST" else request.GET
    identity = sent.get("letter", "")
    with _refusals_told(request), mongodb.within(MONGODB_SECONDS):
        if request.method != "POST":
            letter = letters.one(mongodb.state(), identity)
            return render(request, "dashboards/replication_discard.html", {"letter": letter})
        letters.discard(mongodb.state(), identity, by=account(request).username)
        messages.success(request, "Discarded. Its document stays as it is.")
    return redirect(_PAGE)


@contextmanager
def _refusals_told(request: HttpRequest) -> Iterator[None]:
    """Report on the next page why the block was not done."""
    try:
        yield
    except Refused as refused:
        messages.error(request, str(refused))
    except mongodb.Unavailable:
        messages.error(request, "MongoDB does not answer, or refuses it: nothing was asked for.")


def _tables() -> tuple[str, ...]:
    known = saved(mongodb.state())
    return known.tables if known else ()
