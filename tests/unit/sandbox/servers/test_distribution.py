from __future__ import annotations

import pytest

from cdc.errors import Unfit
from cdc_sandbox.servers.distribution import Distribution, Source

DEBIAN = Distribution.of({"ID": "debian", "VERSION_CODENAME": "bookworm"})
UBUNTU = Distribution.of({"ID": "ubuntu", "VERSION_CODENAME": "noble", "UBUNTU_CODENAME": "noble"})


def test_debian_reads_sid_from_the_mirror_of_its_own_release() -> None:
    configured = [
        Source("http://security.example/debian", "bookworm-security", "main"),
        Source("http://vendor.example/node", "nodistro", "main"),
        Source("http://mirror.example/debian", "bookworm", "main"),
    ]

    assert DEBIAN.repositories(configured) == [
        Source("http://mirror.example/debian", "sid", "main")
    ]


@pytest.mark.parametrize("release", ["stable", "testing", "unstable", "sid"])
def test_debian_may_be_configured_by_the_name_of_a_suite(release: str) -> None:
    configured = [Source("http://mirror.example/debian", release, "main")]

    assert DEBIAN.repositories(configured)


def test_ubuntu_reads_its_own_suites_with_universe_where_mariadb_is() -> None:
    configured = [
        Source("http://mirror.example/ubuntu", "noble", "main"),
        Source("http://mirror.example/ubuntu", "noble-updates", "main"),
        Source("http://vendor.example/ppa", "jammy", "main"),
    ]

    assert UBUNTU.repositories(configured) == [
        Source("http://mirror.example/ubuntu", "noble", "main"),
        Source("http://mirror.example/ubuntu", "noble", "universe"),
        Source("http://mirror.example/ubuntu", "noble-updates", "main"),
        Source("http://mirror.example/ubuntu", "noble-updates", "universe"),
    ]


def test_older_suites_of_debian_are_read_from_the_mirrors_of_its_own_release() -> None:
    configured = [
        Source("http://security.example/debian", "bookworm-security", "main"),
        Source("http://mirror.example/debian", "bookworm", "main"),
    ]

    assert DEBIAN.of_debian(configured, ["bullseye", "bullseye-security"]) == [
        Source("http://mirror.example/debian", "bullseye", "main"),
        Source("http://security.example/debian", "bullseye-security", "main"),
    ]


def test_older_suites_of_debian_are_not_for_ubuntu() -> None:
    configured = [Source("http://mirror.example/ubuntu", "noble", "main")]

    with pytest.raises(Unfit, match=r"Debian's bullseye.*ubuntu noble") as caught:
        UBUNTU.of_debian(configured, ["bullseye", "bullseye-security"])

    assert caught.value.remedy is not None
    assert "--containers" in caught.value.remedy


def test_a_distribution_derived_from_ubuntu_reads_ubuntu() -> None:
    mint = Distribution.of({"ID": "linuxmint", "UBUNTU_CODENAME": "noble"})

    assert (mint.name, mint.codename) == ("ubuntu", "noble")


@pytest.mark.parametrize("distribution", [DEBIAN, UBUNTU])
def test_a_machine_without_a_mirror_is_told_the_way_out(distribution: Distribution) -> None:
    configured = [Source("http://vendor.example/node", "nodistro", "main")]

    with pytest.raises(Unfit, match="not configured with a mirror") as caught:
        distribution.repositories(configured)

    assert caught.value.remedy is not None
    assert "--containers" in caught.value.remedy


def test_another_distribution_is_refused_by_its_name() -> None:
    with pytest.raises(Unfit, match="this is Fedora Linux 42"):
        Distribution.of({"ID": "fedora", "PRETTY_NAME": "Fedora Linux 42"})
