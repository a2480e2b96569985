"""The findings of checks, and their consequences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from cdc.errors import CdcError, Retryable, Unfit, UsageError
from cdc.terminal.output import in_a_line


class Outcome(Enum):
    """The outcome of a check."""

    OK = "ok"
    WARNING = "warning"
    """It works, with a risk that the operator should know."""
    NOT_CHECKED = "not checked"
    """The account may not see it; replication itself does not depend on the answer."""
    UNREACHABLE = "unreachable"
    """The check could not run, for now."""
    UNFIT = "unfit"
    WRONG = "wrong"
    """The mistake is in the configuration or a mapping."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: what was found and, unless it is OK, what to do."""

    check: str
    outcome: Outcome
    what: str
    remedy: str = ""
    excerpt: str = ""
    """The place in an expression that is wrong, in lines of its own."""

    @property
    def ok(self) -> bool:
        """Whether this finding lets replication start."""
        return self.outcome in {Outcome.OK, Outcome.WARNING, Outcome.NOT_CHECKED}

    def __str__(self) -> str:
        told = f"{self.outcome.value:11} {in_a_line(self.check)}: {in_a_line(self.what)}"
        told = f"{told}; {in_a_line(self.remedy)}" if self.remedy else told
        return f"{told}\n{self.excerpt}" if self.excerpt else told


def require(findings: Iterable[Finding]) -> None:
    """Raise one error with every finding that prevents a start, if there are any.

    UsageError if the configuration is wrong, else Unfit if a side is, else Retryable if a side
    could not be reached.
    """
    failed = [finding for finding in findings if not finding.ok]
    if failed:
        told = [f"{finding.check}: {finding.what}" for finding in failed]
        error = _error_class(failed)("\n".join(told), remedy=_remedy(failed))
        shown = ((what, each.excerpt) for what, each in zip(told, failed, strict=True))
        error.shown = "\n".join(line for lines in shown for line in lines if line)
        raise error


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 0, 2 for a wrong configuration, 3 for an unfit or unreachable side."""
    failed = [finding for finding in findings if not finding.ok]
    if not failed:
        return 0
    return UsageError.exit_code if _error_class(failed) is UsageError else Unfit.exit_code


def _remedy(failed: list[Finding]) -> str:
    """Return what to do about each; if there are several, a line with the name of each check."""
    told = [finding for finding in failed if finding.remedy]
    if not told:
        return "see what is said of both sides: cdc check"
    if len(failed) == 1:
        return told[0].remedy
    return "\n".join(f"{finding.check}: {finding.remedy}" for finding in told)


def _error_class(failed: list[Finding]) -> type[CdcError]:
    outcomes = {finding.outcome for finding in failed}
    if Outcome.WRONG in outcomes:
        return UsageError
    return Unfit if Outcome.UNFIT in outcomes else Retryable
