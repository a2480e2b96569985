"""Draws a preview by the functions of `cdc mapping check` and `cdc mapping preview`."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as PyMapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

from cdc.commands.mapping.check import table_mistakes
from cdc.commands.mapping.embedded_rows import EmbeddedRows
from cdc.commands.mapping.inputs import connected, table_maps
from cdc.commands.mapping.preview import document_lines, pairs_of, shown, whole
from cdc.config import Config
from cdc.errors import CdcError
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import MappingError, Problem
from cdc.mapping.file.project import read_project_mappings
from cdc.mapping.tools.kept_hidden import disclosures, hashes_of_its_own
from cdc.mapping.tools.preview import Pair
from cdc.model.table_map import TableMap
from cdc.readers.select.chunk_reader import ChunkReader
from cdc.readers.server.connection import SourceConnection
from portal.dashboards.preview.drawn import Choice, Drawn, Mistake, Question, Shown
from portal.dashboards.preview.project import NotReadable, project_config

TWEETS: Final = "tweets"
"""The collection that the portal shows."""

LOCK_SECONDS: Final = 3
"""How long a table may be locked, as by an ALTER, before the preview says so."""

MOST_MISTAKES: Final = 50
MOST_OF_A_VALUE: Final = 500
MOST_OF_A_DOCUMENT: Final = 20_000
"""The characters of a row's value or a sentence, and of a document, that are shown."""


def drawn(question: Question) -> Drawn:
    """Draw a preview; without a choice in it if there is no such mapping."""
    path = Path(question.config)
    try:
        config = project_config(path, question.stream, question.account)
    except NotReadable as error:
        return Drawn(problem=str(error))
    return _Project(config, path).preview(question)


class _Project:
    """The mappings of a stream, as their files are."""

    def __init__(self, config: Config, path: Path) -> None:
        self._config = config
        self._path = path
        self._folder = path.resolve().parent
        self._filed, self._wrong = read_project_mappings(config, path)

    def preview(self, question: Question) -> Drawn:
        """Preview a mapping whose file is sound: the file says what stays hidden."""
        choices = {self._choice(each): each for each in self._sound(self._filed)}
        found = Drawn(
            choices=[*choices],
            notes=[self._short(each) for each in self._wrong],
            problem="" if choices else "No mapping file of the stream is without mistakes.",
        )
        wanted = question.mapping or _telling(choices)
        for choice, mapping in choices.items():
            if choice.file == wanted:
                filed = "\n".join(mapping.origin.file.read_text("utf-8").split("\r\n"))
                text = filed if question.text is None else question.text
                found = replace(found, chosen=choice, filed=filed, text=text)
                return self._previewed(found, mapping, question.rows) if question.rows else found
        return found

    def _previewed(self, found: Drawn, mapping: Mapping, rows: int) -> Drawn:
        file = mapping.origin.file
        mappings, mistakes = read_project_mappings(self._config, self._path, {file: found.text})
        told = dict.fromkeys(each for each in mistakes if each not in self._wrong)
        draft = next((each for each in mappings if each.origin.file == file), None)
        try:
            tables = self._tables(mapping)
            if draft is not None:
                told |= dict.fromkeys(self._beside_tables(draft, mapping, mappings, tables))
            if draft is not None and not told:
                draft.hash_apart(hashes_of_its_own(draft, mapping), secrets.token_bytes())
                return self._with_rows(found, draft, mapping, self._sound(mappings), tables, rows)
        except MappingError as error:
            told |= dict.fromkeys(error.mistakes)
        except CdcError as error:
            found = replace(found, problem=self._short(error.message))
        first = sorted(told)[:MOST_MISTAKES]
        listed = [self._mistake(each, file, found.text) for each in first]
        return replace(found, mistakes=listed, more_mistakes=len(told) - len(first))

    def _beside_tables(
        self,
        draft: Mapping,
        mapping: Mapping,
        mappings: Iterable[Mapping],
        tables: Iterable[TableMap],
    ) -> list[Problem]:
        """Return what of a draft may not be shown, or does not fit the source's tables."""
        hidden = [each for table in tables for each in disclosures(draft, mapping, table)]
        return hidden or [*table_mistakes(self._config, _around(draft, mappings))]

    def _tables(self, mapping: Mapping) -> list[TableMap]:
        with connected(self._config) as connection:
            return table_maps(connection, mapping)

    def _with_rows(
        self,
        found: Drawn,
        draft: Mapping,
        mapping: Mapping,
        mappings: Sequence[Mapping],
        tables: Iterable[TableMap],
        rows: int,
    ) -> Drawn:
        seen: list[Shown] = []
        with closing(ChunkReader(self._config.source, accept=_wait_briefly)) as reader:
            embedded = EmbeddedRows(self._config, mappings, reader)
            for name in (each.name for each in tables):
                if left := rows - len(seen):
                    pairs = pairs_of(reader, draft, name, left, within=mapping)
                    pairs = whole(draft, pairs, embedded)
                    seen += [_shown(name, draft.target, pair) for pair in pairs]
        hashes = any(map(_hashes, _with_embedded(draft, mappings)))
        notes = [*found.notes, *embedded.notes]
        return replace(found, shown=seen, hashes=hashes, notes=notes)

    def _sound(self, mappings: Iterable[Mapping]) -> list[Mapping]:
        """Return the mappings whose files are without mistakes: of others a mask may be lost."""
        wrong = {each.file for each in self._wrong}
        return [each for each in mappings if each.origin.file not in wrong]

    def _choice(self, mapping: Mapping) -> Choice:
        return Choice(mapping.source, mapping.target, self._short(mapping.origin.file))

    def _mistake(self, problem: Problem, file: Path, text: str) -> Mistake:
        excerpt = problem.excerpt
        if not excerpt and problem.file == file:
            excerpt = "".join(text.split("\n")[problem.line - 1 : problem.line]).rstrip()
        return Mistake(
            self._short(problem.file),
            problem.line,
            _cut(self._short(problem.what), MOST_OF_A_VALUE),
            _cut(excerpt, MOST_OF_A_VALUE),
        )

    def _short(self, text: object) -> str:
        return str(text).replace(f"{self._folder}/", "")


def _telling(choices: PyMapping[Choice, Mapping]) -> str:
    """Return the file of the mapping that shows most: the tweets', else what it says itself."""
    by_interest = sorted(choices, key=lambda each: _interest(choices[each]), reverse=True)
    return by_interest[0].file if by_interest else ""


def _interest(mapping: Mapping) -> tuple[bool, bool, int]:
    """Rate a mapping by what it does not hide, of which a list of fields does not tell."""
    masked = [each for each in (mapping.fields or {}).values() if each.mask]
    hidden = len(mapping.exclude) + len(masked)
    shown = len(mapping.fields or {}) - len(masked)
    return mapping.target == TWEETS, mapping.fields is None, shown - hidden


def _with_embedded(draft: Mapping, mappings: Sequence[Mapping]) -> list[Mapping]:
    """Return the draft, and the mappings of what its documents embed, to any depth."""
    found, collections = [draft], {each.collection for each in draft.embed.values()}
    for each in found:
        collections |= {below.collection for below in each.embed.values()}
        found += [other for other in mappings if other.target in collections and other not in found]
    return found


def _hashes(mapping: Mapping) -> bool:
    rules = [*(mapping.fields or {}).values(), *(each.rule for each in mapping.id_parts)]
    return any(rule.mask == "hash" for rule in rules)


def _wait_briefly(connection: SourceConnection, _: str) -> None:
    """Limit the wait for a locked table, which at MySQL would outlive this process."""
    connection.query(f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}")


def _around(draft: Mapping, mappings: Iterable[Mapping]) -> list[Mapping]:
    """Return the draft, and the mappings that embed its documents or whose it embeds."""
    below = {each.collection for each in draft.embed.values()}
    return [
        each
        for each in mappings
        if each is draft
        or each.target in below
        or any(embed.collection == draft.target for embed in each.embed.values())
    ]


def _shown(table: str, target: str, pair: Pair) -> Shown:
    row = [(name, _cut(shown(value), MOST_OF_A_VALUE)) for name, value in pair.row.items()]
    document = "" if pair.document is None else "\n".join(document_lines(pair.document))
    return Shown(table, target, row, _cut(document, MOST_OF_A_DOCUMENT), pair.note)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({len(text):,} characters)"
