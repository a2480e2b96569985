from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def logging_undone() -> Iterator[None]:
    """Take back what a command has made of the log."""
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
