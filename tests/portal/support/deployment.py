"""The portal as it is deployed: its program and its smallest settings."""

from __future__ import annotations

from pathlib import Path

MANAGE = Path(__file__).parents[3] / "portal" / "manage.py"

ENVIRONMENT = {
    "PORTAL_SECRET_KEY": "k3y-of-a-test-deployment-" * 3,
    "PORTAL_DATABASE_URL": "mysql://portal:secret@127.0.0.1:1/twitter",
    "PORTAL_ALLOWED_HOSTS": "portal.example.com",
}
