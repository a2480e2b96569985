"""Whether a test has failed, for the fixtures that clean up behind it."""

from __future__ import annotations

import pytest

FAILED = pytest.StashKey[bool]()
"""In the stash of a test, once one of its phases has failed."""
