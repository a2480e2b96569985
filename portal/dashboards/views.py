"""The pages, one a role."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.accounts.access import role_required
from portal.accounts.roles import Role


@role_required(Role.CUSTOMER)
def timeline(request: HttpRequest) -> HttpResponse:
    """Show a customer the tweets that were replicated."""
    return render(request, "dashboards/timeline.html")


@role_required(Role.TECHNICAL_WORKER)
def replication(request: HttpRequest) -> HttpResponse:
    """Show a technical worker how replication goes."""
    return render(request, "dashboards/replication.html")


@role_required(Role.SENIOR_MANAGEMENT)
def figures(request: HttpRequest) -> HttpResponse:
    """Show senior management what the data adds up to."""
    return render(request, "dashboards/figures.html")
