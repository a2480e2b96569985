"""The page that previews a mapping; nothing that is typed there is kept or written."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.accounts.access import role_required
from portal.accounts.roles import Role
from portal.dashboards.preview.asking import draw
from portal.dashboards.preview.drawn import Drawn
from portal.dashboards.preview.forms import ROWS, PreviewForm, as_typed

_BAD_REQUEST = 400


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@role_required(Role.TECHNICAL_WORKER)
def preview(request: HttpRequest) -> HttpResponse:
    """Show a mapping's file beside what it makes of rows, or what was typed in its place."""
    if not settings.CDC_CONFIG:
        return render(request, "dashboards/preview_unset.html")
    form, drawn = _typed(request) if request.method == "POST" else _filed(request)
    return _answer(request, "dashboards/preview.html", form, drawn)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@role_required(Role.TECHNICAL_WORKER)
def preview_drawn(request: HttpRequest) -> HttpResponse:
    """Return the part of the page that follows what is typed."""
    if request.method != "POST" or not settings.CDC_CONFIG:
        return redirect("dashboards:preview")
    return _answer(request, "dashboards/preview/drawn.html", *_typed(request))


def _filed(request: HttpRequest) -> tuple[PreviewForm, Drawn]:
    mapping = request.GET.get("mapping", "")
    drawn = draw(rows=ROWS, mapping=mapping)
    chosen = drawn.chosen.file if drawn.chosen else ""
    if mapping and not drawn.problem and not chosen:
        form = PreviewForm({"mapping": mapping, "rows": ROWS})
        form.refuse_mapping()
        return form, drawn
    return PreviewForm(initial={"mapping": chosen, "text": drawn.text, "rows": ROWS}), drawn


def _typed(request: HttpRequest) -> tuple[PreviewForm, Drawn]:
    sent = {name: value for name, value in request.POST.items() if isinstance(value, str)}
    sent["text"] = as_typed(sent.get("text", ""))
    form = PreviewForm(sent)
    mapping = sent.get("mapping", "")
    if not form.is_valid():
        return form, draw(rows=0, mapping=mapping)
    typed = form.cleaned_data
    drawn = draw(rows=typed["rows"], mapping=mapping, text=typed["text"])
    if drawn.chosen is None and not drawn.problem:
        form.refuse_mapping()
    return form, drawn


def _answer(request: HttpRequest, page: str, form: PreviewForm, drawn: Drawn) -> HttpResponse:
    seen: dict[str, Any] = {"form": form, "drawn": drawn, "stream": settings.CDC_NAME}
    return render(request, page, seen, status=_BAD_REQUEST if form.refusal else 200)
