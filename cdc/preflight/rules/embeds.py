"""The rules for embedded documents, beyond what mapping files and tables show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from cdc.mapping.file.mapping import Mapping
from cdc.preflight.findings import Finding, Outcome


def embed_findings(
    mappings: Iterable[Mapping], *, mode: Literal["exactly_once", "at_least_once"]
) -> Iterator[Finding]:
    """Refuse embeds without transactions; warn of arrays that can outgrow their document."""
    for mapping in mappings:
        check = f"embed in {mapping.target}"
        if mapping.embed and mode == "at_least_once":
            what = (
                "embedded documents are kept right by transactions, which apply.mode:"
                " at_least_once has not"
            )
            mistake = mapping.origin.mistake(("embed",), what)
            yield Finding(check, Outcome.WRONG, str(mistake), "write apply.mode: exactly_once")
        for path, embed in mapping.embed.items():
            if embed.kind == "many" and embed.limit is None:
                mistake = mapping.origin.mistake(
                    ("embed", path),
                    f"the array `{path}` has no `limit`: if a document becomes larger than 16 MB,"
                    " the array is left out",
                )
                yield Finding(
                    check, Outcome.WARNING, str(mistake), f"write `limit` beside `many` of `{path}`"
                )
