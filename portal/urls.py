"""The pages by address."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("portal.accounts.urls")),
    path("", include("portal.dashboards.urls")),
    path("admin/", admin.site.urls),
]
