"""The portal as it is deployed: its program and its smallest settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

MANAGE = Path(__file__).parents[3] / "portal" / "manage.py"

ENVIRONMENT = {
    "PORTAL_SECRET_KEY": "k3y-of-a-test-deployment-" * 3,
    "PORTAL_DATABASE_URL": "mysql://portal:secret@127.0.0.1:1/twitter",
    "PORTAL_ALLOWED_HOSTS": "portal.example.com",
}


def manage(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the portal, whose settings are these alone."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PORTAL_")}
    return subprocess.run(
        [sys.executable, "-W", "error", str(MANAGE), *words],
        env={**clean, "DJANGO_SETTINGS_MODULE": "portal.settings", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
