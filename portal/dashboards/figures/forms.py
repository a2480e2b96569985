"""The form for the days of a period."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from portal.dashboards.figures.counting import Dates
from portal.plain_forms import PlainForm

_NO_DAY = "This is no day: it looks like 2026-11-30."


def _day(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _NO_DAY},
    )


class DatesForm(PlainForm, forms.Form):
    """Asks for the first and the last day of a period."""

    since = _day("First day")
    until = _day("Last day")
    missing: ClassVar = {"since": "Enter the first day.", "until": "Enter the last day."}

    @property
    def dates(self) -> Dates:
        """The days, of a valid form."""
        return Dates(self.cleaned_data["since"], self.cleaned_data["until"])

    def clean(self) -> dict[str, Any] | None:
        """Refuse days that run backwards."""
        cleaned = super().clean()
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until < since:
            raise ValidationError({"until": "The last day is before the first."})
        return cleaned
