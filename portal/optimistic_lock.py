"""Refuses a change to a row that somebody else has changed since the form showed it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

M = TypeVar("M", bound=models.Model)

_CHANGED = "This was changed since you opened it: nothing is saved yet."
_SAVE_AGAIN = "Save again to put in its place what stands below."


class AsSeen(forms.ModelForm[M]):
    """A form that changes a row only in the state that it has shown.

    Its page sends `seen` back, a digest of the row when it was shown, so no column is needed. The
    row must be locked from before the form is created until it is saved.
    """

    there_now: tuple[tuple[str, str], ...] = ()
    """After a refusal: labels and values of the row that differ from what was sent."""

    @property
    def seen(self) -> str:
        """Return the value for the page to send back; empty for a new row."""
        if self.instance._state.adding:
            return ""
        held = {
            name: _plain(self.initial.get(name))
            for name, field in sorted(self.fields.items())
            if not field.disabled
        }
        return salted_hmac(__name__, repr(held), algorithm="sha256").hexdigest()

    def clean(self) -> dict[str, Any] | None:
        """Refuse a change based on another state of the row; sending it again accepts that."""
        cleaned = super().clean()
        if self.data.get(self.add_prefix("seen"), "") != self.seen and self.changed_data:
            self.there_now = tuple(self._held())
            self.add_error(None, ValidationError(self._refusal(), code="changed"))
        return cleaned

    def _refusal(self) -> list[str]:
        """Return the lines of the refusal."""
        now = [f"{label} is now: {value}" for label, value in self.there_now]
        return [_CHANGED, *now, _SAVE_AGAIN]

    def _held(self) -> Iterator[tuple[str, str]]:
        for name in self.changed_data:
            yield str(self[name].label), _shown(self.instance, name)


class SeenAdmin(admin.ModelAdmin[M]):
    """An admin whose form is `AsSeen`; its template sends `seen` back."""

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> M | None:
        """Return the row; if it is about to be changed, locked and as it is then."""
        found: M | None = super().get_object(request, object_id, from_field)
        if request.method != "POST" or not transaction.get_connection().in_atomic_block:
            return found
        return found and self.get_queryset(request).select_for_update().filter(pk=found.pk).first()


def _plain(value: Any) -> Any:
    """Return a value that is equal for equal rows, whatever objects represent them."""
    if isinstance(value, list) and all(isinstance(each, models.Model) for each in value):
        return sorted(each.pk for each in value)
    return value


def _shown(row: models.Model, name: str) -> str:
    """Return a field's value for display."""
    if display := getattr(row, f"get_{name}_display", None):
        return str(display())
    value = getattr(row, name)
    if isinstance(value, models.Manager):
        return ", ".join(map(str, value.all())) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "nothing" if value in (None, "") else str(value)
