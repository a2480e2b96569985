"""What a technical worker sees: how replication goes."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.accounts.access import role_required
from portal.accounts.roles import Role


@role_required(Role.TECHNICAL_WORKER)
def replication(request: HttpRequest) -> HttpResponse:
    """Show a technical worker how replication goes."""
    return render(request, "dashboards/replication.html")
