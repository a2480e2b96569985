"""The addresses of the pages."""

from __future__ import annotations

from django.urls import path

from portal.dashboards import views

app_name = "dashboards"
urlpatterns = [
    path("timeline/", views.timeline, name="timeline"),
    path("replication/", views.replication, name="replication"),
    path("figures/", views.figures, name="figures"),
]
