"""The portal's settings, for tests and for mypy: servers that are told later, cheap passwords."""

from __future__ import annotations

import os

os.environ["PORTAL_SECRET_KEY"] = "of-the-tests-" * 5
os.environ["PORTAL_DATABASE_URL"] = "mysql://nobody:nothing@127.0.0.1:1/nowhere"

from portal.settings import *  # noqa: F403 - that is what the portal runs with

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a real one takes 0.3 s
SECURE_SSL_REDIRECT = False  # the test client speaks HTTP
