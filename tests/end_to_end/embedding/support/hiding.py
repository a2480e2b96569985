"""Finds the documents of a stream's hidden collections, as an operator would."""

from __future__ import annotations

from typing import Any

from pymongo.collection import Collection

from tests.end_to_end.support.stream import Stream


def hidden_collection(stream: Stream, name: str) -> Collection[dict[str, Any]]:
    """Return the collection of a mapping that is hidden."""
    return stream.state[f"embedded-{stream.name}.{name}"]
