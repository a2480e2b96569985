"""Starts servers for fixtures."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

import pytest

from cdc.errors import Unfit

Launched = TypeVar("Launched")


def entered(
    launch: Callable[[], AbstractContextManager[Launched]],
) -> tuple[AbstractContextManager[Launched], Launched]:
    """Start a server; skip the test where none can be had, but in CI."""
    try:
        context = launch()
        return context, context.__enter__()
    except Unfit as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
