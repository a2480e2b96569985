"""The column of a 64-bit id."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.forms import Field, IntegerField

LARGEST_ID = (1 << 64) - 1


class UnsignedBigIntegerField(models.PositiveBigIntegerField):  # type: ignore[type-arg]
    """BIGINT UNSIGNED up to 2^64 - 1; in forms Django's own field ends at 2^63 - 1."""

    def formfield(self, **kwargs: Any) -> Field | None:
        """Return a form's field with the column's whole range."""
        return super().formfield(
            **{"form_class": IntegerField, "min_value": 0, "max_value": LARGEST_ID, **kwargs}
        )
