"""The pages of a customer: the timeline, and its forms."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from portal import mongodb
from portal.accounts.access import account, role_required
from portal.accounts.authors import author_of
from portal.accounts.roles import Role
from portal.dashboards.timeline import reading
from portal.dashboards.timeline.page_cursor import PageCursor, place, place_of
from portal.tweets.forms import NameForm, TweetForm
from portal.tweets.models import Author, Tweet

_PATIENCE_SECONDS = 2


@role_required(Role.CUSTOMER)
def timeline(request: HttpRequest) -> HttpResponse:
    """Show the replicated tweets; a POST writes a tweet to MySQL."""
    author = author_of(account(request))
    form = TweetForm(request.POST or None, author=author)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your tweet is saved; replication brings it to everybody.")
        return redirect("dashboards:timeline")
    return render(request, "dashboards/timeline.html", {"form": form, **_shown(request, author)})


@require_GET
@never_cache
@role_required(Role.CUSTOMER)
def news(request: HttpRequest) -> JsonResponse:
    """Count others' tweets that were replicated `?since=` a place in the timeline."""
    try:
        since = place(request.GET.get("since", ""))
    except ValueError as error:
        raise Http404(str(error)) from error
    author = author_of(account(request))
    try:
        with mongodb.within(_PATIENCE_SECONDS):
            found = reading.news(author, since)
    except mongodb.Unavailable:
        return JsonResponse({}, status=503)
    return JsonResponse({"new": min(found, reading.MOST_NEWS), "more": found > reading.MOST_NEWS})


@role_required(Role.CUSTOMER)
@transaction.atomic
def change(request: HttpRequest, tweet_id: int) -> HttpResponse:
    """Change one's own tweet in MySQL."""
    tweet = _own_tweet(request, tweet_id)
    form = TweetForm(request.POST or None, author=tweet.author, instance=tweet)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your tweet is changed; replication brings it to everybody.")
        return redirect("dashboards:timeline")
    return render(request, "dashboards/timeline_change.html", {"form": form, "tweet": tweet})


@role_required(Role.CUSTOMER)
@transaction.atomic
def delete(request: HttpRequest, tweet_id: int) -> HttpResponse:
    """Delete one's own tweet from MySQL, after a confirmation."""
    tweet = _own_tweet(request, tweet_id)
    if request.method == "POST":
        tweet.delete()
        messages.success(request, "Your tweet is deleted; replication takes it off the timeline.")
        return redirect("dashboards:timeline")
    return render(request, "dashboards/timeline_delete.html", {"tweet": tweet})


@role_required(Role.CUSTOMER)
@transaction.atomic
def rename(request: HttpRequest) -> HttpResponse:
    """Change one's own display name in MySQL."""
    author = Author.objects.select_for_update().get(pk=author_of(account(request)).pk)
    form = NameForm(request.POST or None, instance=author)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your name is changed; replication brings it to your tweets.")
        return redirect("dashboards:timeline")
    return render(request, "dashboards/timeline_name.html", {"form": form})


def _shown(request: HttpRequest, author: Author) -> dict[str, object]:
    """Read the requested page; without MongoDB, the author's tweets in MySQL."""
    now, of_reader = timezone.now(), request.GET.get("of") == "me"
    before = _before(request)
    read = reading.own if of_reader else reading.everybody
    try:
        with mongodb.within(_PATIENCE_SECONDS):
            page, target_down = read(author, before), False
    except mongodb.Unavailable:
        page, target_down = reading.saved(author, before), True
    return {
        "page": page,
        "author": author,
        "target_down": target_down,
        "of_reader": of_reader,
        "newest": before is None,
        "now": now,
        "seen_until": page.newest or place_of(now, 0),
    }


def _before(request: HttpRequest) -> PageCursor | None:
    """Return the cursor that the page begins behind; 404 for an invalid one."""
    if (told := request.GET.get("before")) is None:
        return None
    try:
        return place(told)
    except ValueError as error:
        raise Http404(str(error)) from error


def _own_tweet(request: HttpRequest, tweet_id: int) -> Tweet:
    """Return the tweet, locked: a tweet deleted meanwhile would be saved as a new row."""
    own = Tweet.objects.select_for_update().filter(author=account(request).author)
    return get_object_or_404(own, pk=tweet_id)
