"""What senior management sees: what the data adds up to."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.accounts.access import role_required
from portal.accounts.roles import Role


@role_required(Role.SENIOR_MANAGEMENT)
def figures(request: HttpRequest) -> HttpResponse:
    """Show senior management what the data adds up to."""
    return render(request, "dashboards/figures.html")
