"""The form that asks for a preview."""

from __future__ import annotations

from typing import ClassVar, Final

from django import forms

from portal.plain_forms import PlainForm

MOST_ROWS: Final = 10
ROWS: Final = 3
MOST_KILOBYTES: Final = 64
_ROWS_REFUSED: Final = f"Show from 1 to {MOST_ROWS} rows."


class PreviewForm(PlainForm, forms.Form):
    """Asks for a mapping's text and how many rows to show; `mapping` names its file."""

    mapping = forms.CharField(widget=forms.HiddenInput)
    text = forms.CharField(
        label="The mapping",
        required=False,  # that nothing is in it is a mistake of the mapping
        strip=False,
        error_messages={
            "null_characters_not_allowed": "A mapping holds no character of the number 0."
        },
        widget=forms.Textarea(
            attrs={
                "rows": 24,
                "spellcheck": "false",
                "autocapitalize": "off",
                "autocomplete": "off",
            }
        ),
    )
    rows = forms.IntegerField(
        label="Rows",
        min_value=1,
        max_value=MOST_ROWS,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), _ROWS_REFUSED),
    )
    missing: ClassVar = {"rows": _ROWS_REFUSED, "mapping": "Choose a table first."}

    def clean_text(self) -> str:
        """Return the text with the line ends of a file; refuses one that is too large."""
        text: str = as_typed(self.cleaned_data["text"])
        if len(text.encode()) > MOST_KILOBYTES << 10:
            raise forms.ValidationError(f"A mapping has {MOST_KILOBYTES} KB here at most.")
        return text

    def refuse_mapping(self) -> None:
        """Report that the stream has no such mapping."""
        self.add_error("mapping", "The stream has no such mapping: choose a table.")

    @property
    def refusal(self) -> str:
        """The first error; empty if there is none."""
        return next((str(errors[0]) for errors in self.errors.values()), "")

    @property
    def refused(self) -> str:
        """The id by which the field with that error refers to it."""
        return next((f"{self[name].auto_id}_error" for name in self.errors), "")


def as_typed(text: str) -> str:
    """Return a text as it was typed: forms send two characters for an end of a line."""
    return text.replace("\r\n", "\n")
