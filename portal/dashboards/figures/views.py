"""The page of senior management: the sums of the data, and their download."""

from __future__ import annotations

import csv
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from portal import mongodb
from portal.accounts.access import role_required
from portal.accounts.roles import Role
from portal.dashboards.figures.counting import Period, Span
from portal.dashboards.figures.forms import DatesForm
from portal.dashboards.figures.freshness import freshness
from portal.dashboards.figures.summary import ASKED_WITHIN_SECONDS, Summary, summary
from portal.dashboards.replication import daemon
from portal.dashboards.replication.saved import saved
from portal.dashboards.replication.verdict import verdict


@require_GET
@never_cache
@role_required(Role.SENIOR_MANAGEMENT)
def figures(request: HttpRequest) -> HttpResponse:
    """Show figures of a period, and the data's age.

    The period is `?period=month`, `year` or `all`, or from the day `since` to the day `until`.
    """
    form = _form(request)
    period = _period(request, form)
    return render(
        request,
        "dashboards/figures.html",
        {"periods": [*Period], "period": period, "form": form, **_seen(period)},
    )


@require_GET
@never_cache
@role_required(Role.SENIOR_MANAGEMENT)
def tweets_csv(request: HttpRequest) -> HttpResponse:
    """Answer with the tweets over time of the same periods, as a file for spreadsheets."""
    period = _period(request, _form(request))
    try:
        counted: Summary | None = summary(mongodb.documents(), period)
    except mongodb.Unavailable:
        counted = None
    if counted is None or counted.over_time is None:
        messages.error(request, "The figures could not be counted now: try again in a minute.")
        return redirect("dashboards:figures")
    name = period.name.lower().replace("..", "-to-")
    answer = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="tweets-{name}.csv"'},
    )
    rows = csv.writer(answer)
    rows.writerow([counted.over_time.unit, "tweets"])
    rows.writerows([each.day.isoformat(), each.tweets] for each in counted.over_time.bars)
    return answer


def _form(request: HttpRequest) -> DatesForm:
    asked = "since" in request.GET or "until" in request.GET
    return DatesForm(request.GET if asked else None)


def _period(request: HttpRequest, form: DatesForm) -> Span:
    """Return the period that was asked for; a month, if it is none."""
    if form.is_bound and form.is_valid():
        return form.dates
    return Period.__members__.get(request.GET.get("period", "").upper(), Period.MONTH)


def _seen(period: Span) -> dict[str, Any]:
    try:
        with mongodb.within(ASKED_WITHIN_SECONDS):
            stored = saved(mongodb.state())
        counted = summary(mongodb.documents(), period)
    except mongodb.Unavailable:
        return {}
    return {"summary": counted, "freshness": freshness(verdict(daemon.ask(), stored), stored)}
