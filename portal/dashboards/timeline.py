"""What a customer sees: the timeline, as replication delivered it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.accounts.access import role_required
from portal.accounts.roles import Role


@role_required(Role.CUSTOMER)
def timeline(request: HttpRequest) -> HttpResponse:
    """Show a customer the tweets that were replicated."""
    return render(request, "dashboards/timeline.html")
