"""What the page asks of the program that draws a preview, and its answer, as JSON between them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from cdc.mapping.tools.preview import HIDDEN


@dataclass(frozen=True, slots=True)
class Account:
    """The account at the source by which rows are read; `ca` asks for TLS."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    ca: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A preview that is wanted: of the mapping's file, or of `text` in its place.

    `mapping` is the file's name beside `config`, the path of cdc.yaml; without it the one
    that shows most is meant. `rows` is 0 for none.
    """

    config: str
    stream: str
    account: Account
    rows: int
    mapping: str = ""
    text: str | None = None

    def to_json(self) -> str:
        """Return it for the program."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` returned."""
        found = json.loads(text)
        return cls(**{**found, "account": Account(**found["account"])})


@dataclass(frozen=True, slots=True)
class Choice:
    """A mapping: its table, its collection, and its file's name beside cdc.yaml."""

    source: str
    target: str
    file: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake as `cdc mapping check` tells it; the excerpt shows its line or its place in it."""

    file: str
    line: int
    what: str
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A row by its columns, and its document; empty if it has none, as `note` says why."""

    table: str
    target: str
    row: list[tuple[str, str]]
    document: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A preview; `problem` says why it lacks rows, other than by mistakes.

    `filed` is what the chosen mapping's file holds, `text` what is previewed; `more_mistakes` is
    the number of those that are not listed. `hashes`: documents that are shown may hold some.
    """

    choices: list[Choice] = field(default_factory=list)
    chosen: Choice | None = None
    filed: str = ""
    text: str = ""
    mistakes: list[Mistake] = field(default_factory=list)
    more_mistakes: int = 0
    shown: list[Shown] = field(default_factory=list)
    hashes: bool = False
    notes: list[str] = field(default_factory=list)
    problem: str = ""

    @property
    def is_changed(self) -> bool:
        """Whether the text is another than the file's."""
        return self.text != self.filed

    @property
    def hides(self) -> bool:
        """Whether a column of a row that is shown is hidden."""
        return any(value == HIDDEN for each in self.shown for _, value in each.row)

    @property
    def word(self) -> str:
        """The result in a sentence."""
        if self.problem:
            return "No rows can be shown."
        if count := len(self.mistakes) + self.more_mistakes:
            return f"{count:,} mistake{'' if count == 1 else 's'}: no rows are shown."
        count = len(self.shown)
        return f"{count} row{'' if count == 1 else 's'}, read just now."

    def to_json(self) -> str:
        """Return it for the page."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` returned."""
        found: dict[str, Any] = json.loads(text)
        chosen = found["chosen"]
        found |= {
            "choices": [Choice(**each) for each in found["choices"]],
            "chosen": chosen and Choice(**chosen),
            "mistakes": [Mistake(**each) for each in found["mistakes"]],
            "shown": [Shown(**each) for each in found["shown"]],
        }
        return cls(**found)
