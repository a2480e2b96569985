"""Packages of the machine's distribution, fetched by apt with private state and without root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cdc.errors import Unfit
from cdc_sandbox.servers import fetching
from cdc_sandbox.servers.distribution import CONTAINERS, Distribution, Source

_CONNECT = f"connect this machine to its package mirror once, or {CONTAINERS}"
TOTAL = r"Need to get (?:[\d.,]+ [kMG]?B/)?([\d.,]+) ([kMG]?B) of archives"
_INDEX_TARGETS = "$(SITE) $(RELEASE) $(COMPONENT)"


@dataclass(frozen=True, slots=True)
class Apt:
    """An apt that sees only the given repositories and keeps everything in one folder."""

    folder: Path
    distribution: Distribution
    suites: tuple[str, ...] = ()
    """Of Debian; without any the distribution says where its packages are."""

    def fetch(self, patterns: Iterable[str], root: Path) -> str:
        """Unpack what `patterns` name, with all it needs, into `root`; the first one's version.

        Each is a regular expression; the highest of several matching names is taken.
        """
        self._prepare()
        self._apt_get("update")
        names = self._names()
        packages = [self._package(names, pattern) for pattern in patterns]
        archives = self.folder / "archives"
        self._apt_get("install", "--yes", "--download-only", *packages, what=packages[0])
        unpack(sorted(archives.glob("*.deb")), root)
        version = self._run("dpkg-deb", "--field", _archive(archives, packages[0]), "Version")
        shutil.rmtree(archives)
        return clean_version(version)

    def _package(self, names: list[str], pattern: str) -> str:
        package = best_package(names, pattern)
        if package is None:
            where = " and ".join(self.suites) or self.distribution.name
            raise Unfit(f"{where} has no {pattern} for {self._architecture()}", remedy=CONTAINERS)
        return package

    def _prepare(self) -> None:
        missing = [tool for tool in ("apt-get", "apt-cache", "dpkg") if not shutil.which(tool)]
        if missing:
            raise Unfit(f"{missing[0]} is not installed on this machine", remedy=CONTAINERS)
        for name in ("lists/partial", "archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        lines = sources_list(self._repositories(), self.distribution.keyring())
        (self.folder / "sources.list").write_text("\n".join(lines) + "\n")

    def _repositories(self) -> list[Source]:
        targets = self._run("apt-get", "indextargets", "--format", _INDEX_TARGETS)
        rows = [row for row in targets.splitlines() if len(row.split()) == 3]
        configured = map(Source.parse, dict.fromkeys(rows))
        if self.suites:
            return self.distribution.of_debian(configured, self.suites)
        return self.distribution.repositories(configured)

    def _names(self) -> list[str]:
        return self._run("apt-cache", *self._options(), "pkgnames").split()

    def _architecture(self) -> str:
        return self._run("dpkg", "--print-architecture").strip()

    def _apt_get(self, *arguments: str, what: str = "package lists") -> None:
        self._run("apt-get", *self._options(), *arguments, what=what)

    def _options(self) -> list[str]:
        return [
            f"-oDir::State::Lists={self.folder}/lists",
            f"-oDir::State::status={self.folder}/status",
            f"-oDir::Cache={self.folder}",
            f"-oDir::Cache::archives={self.folder}/archives",
            f"-oDir::Etc::SourceList={self.folder}/sources.list",
            "-oDir::Etc::SourceParts=/dev/null",
            "-oDir::Etc::preferences=/dev/null",
            "-oDir::Etc::preferencesparts=/dev/null",
            "-oAPT::Update::Error-Mode=any",  # a mirror out of reach is only a warning else
            "-oAPT::Default-Release=",
            "-oAPT::Install-Recommends=false",
            "-oAPT::Keep-Downloaded-Packages=true",
            # As root apt would drop to a user that cannot write in a private folder.
            *(["-oAPT::Sandbox::User=root"] if os.geteuid() == 0 else []),
        ]

    def _run(self, *command: str | Path, what: str = "") -> str:
        environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        done = fetching.run(what, command, self._arrived, environment=environment)
        if done.returncode != 0:
            raise Unfit(f"{command[0]} could not get a server: {_reason(done)}", remedy=_CONNECT)
        return done.stdout

    def _arrived(self, output: str) -> tuple[float, float]:
        total = fetching.last_size(TOTAL, output)
        return fetching.here(self.folder / "archives"), total


def sources_list(repositories: Iterable[Source], keyring: Path) -> list[str]:
    """Return the lines of a sources.list that fetches nothing but package lists."""
    options = f"[signed-by={keyring} target=Packages lang=none]"
    return [f"deb {options} {it.site} {it.release} {it.component}" for it in repositories]


def best_package(names: Iterable[str], pattern: str) -> str | None:
    """Return the name without a version if there is one, else the highest version's."""
    matching = [name for name in names if re.fullmatch(pattern, name)]
    return min(matching, key=_preference, default=None)


def clean_version(version: str) -> str:
    """Return a package's version without its epoch and packaging: `1:11.8.3-1+b2` is `11.8.3`."""
    return version.strip().split(":")[-1].split("-")[0].split("+")[0]


def unpack(archives: Iterable[Path], root: Path) -> None:
    """Unpack Debian archives over each other."""
    root.mkdir(parents=True, exist_ok=True)
    for archive in archives:
        done = subprocess.run(
            ["dpkg", "-x", archive, root], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise Unfit(f"{archive.name} could not be unpacked: {_reason(done)}", remedy=_CONNECT)


def _preference(name: str) -> tuple[int, ...]:
    return tuple(-int(part) for part in re.findall(r"\d+", name))


def _archive(archives: Path, package: str) -> Path:
    return next(archives.glob(f"{package}_*.deb"))


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if line.startswith(("E:", "dpkg"))]
    return (lines or done.stderr.splitlines() or [f"exit status {done.returncode}"])[0]
