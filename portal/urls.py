"""The pages by address."""

from __future__ import annotations

from axes.models import AccessFailureLog, AccessLog
from django.contrib import admin
from django.urls import include, path

# Its list of pages is a step away, and took the room of columns.
admin.site.enable_nav_sidebar = False
admin.site.index_title = "All tables"
admin.site.empty_value_display = "–"
admin.site.unregister((AccessLog, AccessFailureLog))  # the portal writes neither

urlpatterns = [
    path("", include("portal.accounts.urls")),
    path("", include("portal.dashboards.urls")),
    path("admin/", admin.site.urls),
]
