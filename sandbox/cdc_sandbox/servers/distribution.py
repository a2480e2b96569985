"""Which Linux distribution this machine runs, and which of its package sources hold a server."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cdc.errors import Unfit

CONTAINERS = "start a Docker engine and use --containers, or point cdc at servers of your own"
_SECURITY = "-security"
_DEBIAN_RELEASES = frozenset({"stable", "testing", "unstable", "sid", "oldstable"})


@dataclass(frozen=True, slots=True)
class Source:
    """One repository of the machine's own apt configuration."""

    site: str
    release: str
    component: str

    @classmethod
    def parse(cls, line: str) -> Source:
        """Read a line of `site release component`."""
        site, release, component = line.split()
        return cls(site, release, component)


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution whose packages can be unpacked."""

    name: str
    codename: str
    keyrings: tuple[Path, ...]
    keyring_package: str

    @classmethod
    def current(cls) -> Distribution:
        """Return this machine's distribution; Unfit if it is not one of those known."""
        try:
            return cls.of(platform.freedesktop_os_release())
        except OSError as error:
            raise Unfit(
                "servers can be unpacked on Debian and Ubuntu only, and this has no os-release",
                remedy=CONTAINERS,
            ) from error

    @classmethod
    def of(cls, release: Mapping[str, str]) -> Distribution:
        """Read an os-release file."""
        if codename := release.get("UBUNTU_CODENAME"):
            return cls("ubuntu", codename, _keyrings("ubuntu"), "ubuntu-keyring")
        if release.get("ID") == "debian":
            codename = release.get("VERSION_CODENAME", "sid")
            return cls("debian", codename, _keyrings("debian"), "debian-archive-keyring")
        name = release.get("PRETTY_NAME", release.get("ID", "this system"))
        raise Unfit(
            f"servers can be unpacked on Debian and Ubuntu only, and this is {name}",
            remedy=CONTAINERS,
        )

    def keyring(self) -> Path:
        """Return the keys that sign the distribution's packages."""
        for keyring in self.keyrings:
            if keyring.exists():
                return keyring
        raise Unfit(
            f"packages' signatures cannot be checked: {self.keyrings[0]} is missing",
            remedy=f"apt-get install {self.keyring_package}",
        )

    def repositories(self, configured: Iterable[Source]) -> list[Source]:
        """Return what to read packages from: Debian's sid, or Ubuntu's own suite with its updates.

        Debian's stable suites hold no MySQL.
        """
        configured = list(configured)
        found = self._ubuntu(configured) if self.name == "ubuntu" else self._debian(configured)
        if not found:
            raise Unfit(
                f"apt is not configured with a mirror of {self.name} {self.codename}",
                remedy=CONTAINERS,
            )
        return found

    def of_debian(self, configured: Iterable[Source], suites: Iterable[str]) -> list[Source]:
        """Return where to read these suites of Debian from, older than the machine's maybe."""
        if self.name != "debian":
            raise Unfit(
                f"this server comes with Debian's {next(iter(suites))}, and this machine's"
                f" apt is one of {self.name} {self.codename}",
                remedy=CONTAINERS,
            )
        configured = list(configured)
        found = [
            Source(site, suite, "main")
            for suite in suites
            for site in self._sites(configured, security=suite.endswith(_SECURITY))
        ]
        if not found:
            raise Unfit("apt is not configured with a mirror of debian", remedy=CONTAINERS)
        return found

    def _debian(self, configured: list[Source]) -> list[Source]:
        sites = self._sites(configured, security=False)
        return [Source(site, "sid", "main") for site in sites]

    def _sites(self, configured: list[Source], *, security: bool) -> list[str]:
        """Return the first mirror, of security updates or of the suites, or nothing."""
        suffix = _SECURITY if security else ""
        releases = {release + suffix for release in _DEBIAN_RELEASES | {self.codename}}
        return [source.site for source in configured if source.release in releases][:1]

    def _ubuntu(self, configured: list[Source]) -> list[Source]:
        releases = {self.codename, f"{self.codename}-updates", f"{self.codename}-security"}
        sources = [source for source in configured if source.release in releases]
        whole = [
            Source(source.site, source.release, component)
            for source in sources
            for component in ("main", "universe")
        ]
        return list(dict.fromkeys(whole))


def _keyrings(name: str) -> tuple[Path, ...]:
    folder = Path("/usr/share/keyrings")
    return tuple(folder / f"{name}-archive-keyring.{ending}" for ending in ("gpg", "pgp"))
