"""The rules for mappings: the collections they name, their expressions, and later edits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from cdc.mapping.file.collection_names import namespace_mistake
from cdc.mapping.file.histories import collections_of
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import Problem
from cdc.model.server_facts import SourceFacts
from cdc.preflight.findings import Finding, Outcome
from cdc.preflight.mapping_edits import MappingEdit, remedy_of
from cdc.terminal.pages import page
from cdc.writers.namespaces import Namespaces

MEANT: Final = {"mysql": (9, 7), "mariadb": (11, 8)}
"""The versions whose semantics expressions have."""


def mistake_finding(
    check: str, mistake: Problem, outcome: Outcome = Outcome.WRONG, remedy: str = ""
) -> Finding:
    """Return the finding of a mistake in a mapping file."""
    return Finding(check, outcome, str(mistake), remedy, mistake.excerpt)


def place_findings(namespaces: Namespaces, mappings: Iterable[Mapping]) -> Iterator[Finding]:
    """Yield a finding for each mapping one of whose collections cannot be one of its database."""
    for each in mappings:
        for key, name in zip(("target", "history"), collections_of(each), strict=False):
            if what := namespace_mistake(*namespaces.named(name)):
                mistake = each.origin.mistake((key,), f"`{key}`: {what}")
                yield mistake_finding(f"mapping {each.source}", mistake)


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
        f" {page('expressions', 'where-the-servers-differ')}",
    )


def edit_findings(edits: Iterable[MappingEdit], *, accept: bool) -> Iterator[Finding]:
    """Yield a finding for each edited mapping; only a risk with `accept`, if nothing has moved.

    The first that is not says what to type for all.
    """
    all_edits = list(edits)
    wrong = [each for each in all_edits if each.has_moved or not accept]
    for each in all_edits:
        outcome = Outcome.WRONG if each in wrong else Outcome.WARNING
        remedy = remedy_of(wrong) if wrong and each is wrong[0] else ""
        yield Finding(f"mapping {each.mapping.source}", outcome, str(each), remedy)
