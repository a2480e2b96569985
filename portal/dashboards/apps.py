"""The app's name in Django."""

from __future__ import annotations

from django.apps import AppConfig


class DashboardsConfig(AppConfig):
    """The app `dashboards`."""

    name = "portal.dashboards"
