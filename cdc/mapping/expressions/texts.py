"""Finds the collation that two texts share, and converts values to texts and bytes."""

from __future__ import annotations

from typing import Final

from cdc.mapping.expressions import collations
from cdc.mapping.expressions.collations import Collation
from cdc.mapping.expressions.errors import ExpressionError
from cdc.mapping.expressions.kinds import Strength, Text
from cdc.mapping.expressions.runtime.encodings import encoder
from cdc.mapping.expressions.scope import Scope
from cdc.mapping.expressions.syntax import Literal
from cdc.mapping.expressions.term import Term

UNICODE: Final = frozenset({"utf8mb4", "utf8mb3", "ucs2", "utf16", "utf16le", "utf32"})
REMEDY: Final = "write … COLLATE utf8mb4_bin behind one of them"
CONNECTION: Final = {False: "utf8mb4_0900_ai_ci", True: "utf8mb4_uca1400_ai_ci"}
"""The collation of a utf8mb4 connection: of MySQL since 8.0, of MariaDB since 11.5."""


def connection(scope: Scope) -> Collation:
    """Return the collation of text that comes from no column."""
    found = collations.named(CONNECTION[scope.mariadb])
    assert found is not None
    return found


def made(scope: Scope, *, ascii_only: bool = True) -> Text:
    """Return the kind of a text that a function makes of something else."""
    return Text(connection(scope), Strength.LITERAL, ascii_only)


def common(terms: list[Term]) -> Text:
    """Return the kind that `terms`, all of them texts, share; raises ExpressionError."""
    kinds = [term.kind for term in terms]
    first = kinds[0]
    assert isinstance(first, Text)
    found, ascii_only = first, first.ascii
    for kind in kinds[1:]:
        assert isinstance(kind, Text)
        found = _stronger(found, kind)
        ascii_only = ascii_only and kind.ascii
    for term in terms:
        _require_convertible(term, found)
    return Text(found.collation, found.strength, ascii_only)


def _stronger(one: Text, other: Text) -> Text:
    if one.collation == other.collation:
        return one if one.strength <= other.strength else other
    if one.strength != other.strength:
        return min(one, other, key=lambda kind: kind.strength)
    if one.strength is not Strength.EXPLICIT:
        for winner, loser in ((one, other), (other, one)):
            if _outranks(winner, loser):
                return winner
    raise ExpressionError(
        f"the collations {one.collation.name} and {other.collation.name} do not mix", REMEDY
    )


def _outranks(winner: Text, loser: Text) -> bool:
    """Return whether `winner` wins among texts of equal strength."""
    if winner.collation.charset == loser.collation.charset:
        return winner.collation.name.endswith("_bin")
    if loser.collation.charset in UNICODE:
        return False
    return winner.collation.charset in UNICODE


def _require_convertible(term: Term, found: Text) -> None:
    kind, charset = term.kind, found.collation.charset
    assert isinstance(kind, Text)
    if kind.collation.charset == charset or kind.ascii or charset == "utf8mb4":
        return
    if charset in UNICODE and kind.collation.charset not in UNICODE:
        return
    if isinstance(term.node, Literal) and isinstance(term.node.value, str):
        encode = encoder(charset)
        try:
            if encode is not None:
                encode(term.node.value)
                return
        except ValueError:
            pass
    raise ExpressionError(f"a text in {kind.collation.charset} does not fit into {charset}", REMEDY)


def comparable(kind: Text) -> Collation:
    """Return the collation to compare by; raises ExpressionError if it is not covered."""
    if kind.collation.covered:
        return kind.collation
    raise ExpressionError(
        f"the collation {kind.collation.name} is not covered",
        "write CONVERT(… USING utf8mb4) COLLATE utf8mb4_bin where case and accents matter",
    )
