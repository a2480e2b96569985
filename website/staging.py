"""Lays out what the site is built from: docs/, and the files of the repository that it links to.

On a host of the repository a page links to `../config/cdc.service`, and readers see the file. The
site holds docs/ alone; so each such file becomes a page of its own, and the links lead there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from website.generated import filled
from website.links import linked, replaced
from website.repository import DOCS, ROOT, file_at, page_of, place

CONFIGURATION = "mkdocs.yml"


def stage(folder: Path) -> None:
    """Fill `folder` with the configuration and `docs`, and remove from it what is no more."""
    pages = folder / "docs"
    wanted = {pages / place(file): file for file in _files()}
    for there in _files_in(pages):
        if there not in wanted:
            there.unlink()
    for there, file in wanted.items():
        _put(there, _content(file))
    _put(folder / CONFIGURATION, (ROOT / CONFIGURATION).read_bytes())


def _files() -> Iterator[PurePosixPath]:
    """Yield what the site shows: all of docs/, then what that links to, and so on."""
    waiting = [PurePosixPath(path.relative_to(ROOT)) for path in sorted(_files_in(ROOT / DOCS))]
    seen = set(waiting)
    while waiting:
        file = waiting.pop()
        yield file
        if file.suffix == ".md":
            found = {file_at(file, link) for link in linked((ROOT / file).read_text())}
            waiting += found - seen
            seen |= found


def _files_in(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _content(file: PurePosixPath) -> bytes:
    if file.is_relative_to(DOCS) and file.suffix != ".md":
        return (ROOT / file).read_bytes()
    here = place(file)

    def target(link: str) -> str:
        return os.path.relpath(place(file_at(file, link)), here.parent)

    return replaced(filled(page_of(file)), target).encode()


def _put(path: Path, content: bytes) -> None:
    """Write a file, if it is not so already: a server that watches it would build anew."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def emptied(folder: Path) -> Path:
    """Return the folder without what earlier builds have left."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
