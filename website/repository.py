"""Where files of this repository stand on the site: pages of docs/, and what they link to."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
DOCS = PurePosixPath("docs")
DECISIONS = DOCS / "decisions" / "README.md"
LANGUAGES = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml", ".py": "python"}
FOLDER_PAGE = "README.md"


class NoPage(Exception):
    """A page links to something that the site cannot show."""


def file_at(page: PurePosixPath, link: str) -> PurePosixPath:
    """Return the file that a page links to, both relative to the repository."""
    parts: list[str] = []
    for part in (*page.parent.parts, *PurePosixPath(link).parts):
        if part == "..":
            if not parts:
                raise NoPage(f"{page}: {link} leaves the repository")
            parts.pop()
        else:
            parts.append(part)
    return _page_of_folder(page, PurePosixPath(*parts))


def _page_of_folder(page: PurePosixPath, file: PurePosixPath) -> PurePosixPath:
    found = file / FOLDER_PAGE if (ROOT / file).is_dir() else file
    if not (ROOT / found).exists():
        raise NoPage(f"{page} links to {found}, which is not there")
    return found


def place(file: PurePosixPath) -> PurePosixPath:
    """Return where the site has a file of the repository.

    What is not in docs/ has a page under repository/, and a folder's README is the folder's page.
    """
    here = file.with_name("index.md") if file.name == FOLDER_PAGE else file
    if here.is_relative_to(DOCS):
        return here.relative_to(DOCS)
    there = "repository" / here
    return there if there.suffix == ".md" else there.with_name(f"{there.name}.md")


def page_of(file: PurePosixPath) -> str:
    """Return the page that shows a file of the repository, as Markdown."""
    text = (ROOT / file).read_text()
    if file.suffix == ".md":
        return text + (_list_of_pages(file.parent) if file == DECISIONS else "")
    fence = "````" if "```" in text else "```"
    return f"# {file}\n\n{fence}{LANGUAGES.get(file.suffix, '')}\n{text.rstrip()}\n{fence}\n"


def _list_of_pages(folder: PurePosixPath) -> str:
    """Return the numbered pages of a folder as a list, the newest first."""
    pages = sorted((ROOT / folder).glob("[0-9]*.md"), reverse=True)
    titles = [(page.name, page.read_text().partition("\n")[0].lstrip("# ")) for page in pages]
    return "\n" + "".join(
        f"* [{title.replace('. ', ' · ', 1)}]({name})\n" for name, title in titles
    )
