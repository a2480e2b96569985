"""The page of senior management: the sums of the data."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from portal import mongodb
from portal.accounts.access import role_required
from portal.accounts.roles import Role
from portal.dashboards.figures.counting import Period
from portal.dashboards.figures.freshness import freshness
from portal.dashboards.figures.summary import ASKED_WITHIN_SECONDS, summary
from portal.dashboards.replication import daemon
from portal.dashboards.replication.saved import saved
from portal.dashboards.replication.verdict import verdict


@require_GET
@never_cache
@role_required(Role.SENIOR_MANAGEMENT)
def figures(request: HttpRequest) -> HttpResponse:
    """Show figures of a period, `?period=month`, `year` or `all`, and the data's age."""
    asked = request.GET.get("period", "").upper()
    period = Period.__members__.get(asked, Period.MONTH)
    return render(
        request,
        "dashboards/figures.html",
        {"periods": [*Period], "period": period, **_seen(period)},
    )


def _seen(period: Period) -> dict[str, Any]:
    try:
        with mongodb.within(ASKED_WITHIN_SECONDS):
            stored = saved(mongodb.state())
        counted = summary(mongodb.documents(), period)
    except mongodb.Unavailable:
        return {}
    return {"summary": counted, "freshness": freshness(verdict(daemon.ask(), stored), stored)}
