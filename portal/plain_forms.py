"""Forms in the portal's own words: no colons, and a sentence for each field that is left empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.forms import BaseForm


class PlainForm(BaseForm):
    """A form that asks in the portal's words, and opens with the cursor in the first wrong field.

    `labels_of` and `missing` are by the fields' names: labels, and what to say if one is empty;
    `refusals` by Django's names for the form's other errors.
    """

    labels_of: ClassVar[Mapping[str, str]] = {}
    missing: ClassVar[Mapping[str, str]] = {}
    refusals: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.error_messages = {**getattr(self, "error_messages", {}), **self.refusals}
        for name, field in self.fields.items():
            field.label = self.labels_of.get(name, field.label)
            if name in self.missing:
                field.error_messages["required"] = self.missing[name]

    def add_error(self, field: str | None, error: Any) -> None:
        """Add an error, and give the first field with one the cursor."""
        super().add_error(field, error)
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong is None:
            return
        for each in self.fields.values():
            each.widget.attrs.pop("autofocus", None)
        self.fields[wrong].widget.attrs["autofocus"] = True
