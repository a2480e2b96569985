"""The error for an expression that cannot be parsed or compiled."""

from __future__ import annotations


class ExpressionError(ValueError):
    """An expression is outside the subset, or cannot mean here what it means to the server.

    `remedy` is what to write instead, if there is something; `at` the place in the expression's
    text, as the number of a character, None if it is not known.
    """

    def __init__(self, message: str, remedy: str | None = None, *, at: int | None = None) -> None:
        self.message = message
        self.remedy = remedy
        self.at = at
        super().__init__(f"{message}; {remedy}" if remedy else message)
