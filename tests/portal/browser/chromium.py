"""Finds Chromium for the browser tests, or installs it.

`python -m tests.portal.browser.chromium` installs Debian's package where there is none and root
asks. It exits with 1 where there is none in the end and CI would skip the tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# Drawn text is what screenshots are for: without a font there are boxes.
PACKAGES = ("chromium", "fonts-dejavu-core")
INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES)
MISSING = f"there is no Chromium for the portal's pages; as root type `{' '.join(INSTALL)}`"

_WAIT_FOR_OTHER_APT_SECONDS = 300


def find() -> str | None:
    """Return the program's path; None if there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def main() -> int:
    if find():
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("installing Chromium for the tests of the portal's pages", file=sys.stderr)
        _install()
    if find():
        return 0
    print(f"!!! {MISSING}; their tests are SKIPPED", file=sys.stderr)
    return 1 if os.environ.get("CI") else 0


def _install() -> None:
    quietly = ("--quiet=2", f"--option=DPkg::Lock::Timeout={_WAIT_FOR_OTHER_APT_SECONDS}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (("apt-get", "update"), INSTALL):
        done = subprocess.run(
            [*command, *quietly],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            print(f"`{' '.join(command)}` failed:\n{done.stdout.strip()}", file=sys.stderr)
            return


if __name__ == "__main__":
    sys.exit(main())
