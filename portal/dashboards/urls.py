"""The addresses of the pages."""

from __future__ import annotations

from django.urls import path

from portal.dashboards.figures import views as figures
from portal.dashboards.preview import views as preview
from portal.dashboards.replication import actions
from portal.dashboards.replication import views as replication
from portal.dashboards.timeline import views as timeline

app_name = "dashboards"
urlpatterns = [
    path("timeline/", timeline.timeline, name="timeline"),
    path("timeline/news/", timeline.news, name="news"),
    path("timeline/name/", timeline.rename, name="rename"),
    path("timeline/<int:tweet_id>/change/", timeline.change, name="change"),
    path("timeline/<int:tweet_id>/delete/", timeline.delete, name="delete"),
    path("replication/", replication.replication, name="replication"),
    path("replication/state/", replication.replication_state, name="replication_state"),
    path("replication/jobs/", actions.ask_for_job, name="ask_for_job"),
    path("replication/jobs/cancel/", actions.cancel_job, name="cancel_job"),
    path("replication/resync/", actions.confirm_resync, name="confirm_resync"),
    path("replication/letters/retry/", actions.retry_letter, name="retry_letter"),
    path("replication/letters/discard/", actions.discard_letter, name="discard_letter"),
    path("replication/preview/", preview.preview, name="preview"),
    path("replication/preview/drawn/", preview.preview_drawn, name="preview_drawn"),
    path("figures/", figures.figures, name="figures"),
    path("figures/tweets.csv", figures.tweets_csv, name="tweets_csv"),
]
