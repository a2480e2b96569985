"""The rule for the meaning of a mapping's expressions on the source's version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from cdc.mapping.file.mapping import Mapping
from cdc.model.server_facts import SourceFacts
from cdc.preflight.findings import Finding, Outcome

MEANT: Final = {"mysql": (9, 7), "mariadb": (11, 8)}
"""The versions whose semantics expressions have."""


def expression_findings(source: SourceFacts, mappings: Iterable[Mapping]) -> Iterator[Finding]:
    """Warn of expressions that an older source may evaluate differently."""
    meant = MEANT[source.flavour]
    using = sorted({each.source for each in mappings if each.has_expressions})
    if not using or source.version >= meant:
        return
    yield Finding(
        "expressions",
        Outcome.WARNING,
        f"`sql` and `where` of {', '.join(using)} mean what {source.flavour}"
        f" {'.'.join(map(str, meant))} makes of them; {source.version_text} differs in places",
        "compare with what the source's own SELECT gives, for rows at the edges:"
        " docs/expressions.md, Versions",
    )
