"""Each page of the portal, and whose it is."""

from __future__ import annotations

from portal.accounts.roles import Role

PAGES: dict[str, tuple[Role | None, str]] = {
    "login": (None, "/login/"),
    "register": (None, "/register/"),
    "password-reset": (None, "/password/reset/"),
    "password": (Role.CUSTOMER, "/password/"),
    "timeline": (Role.CUSTOMER, "/timeline/"),
    "timeline-own": (Role.CUSTOMER, "/timeline/?of=me"),
    "timeline-name": (Role.CUSTOMER, "/timeline/name/"),
    "timeline-change": (Role.CUSTOMER, "/timeline/{tweet}/change/"),
    "timeline-delete": (Role.CUSTOMER, "/timeline/{tweet}/delete/"),
    "replication": (Role.TECHNICAL_WORKER, "/replication/"),
    "replication-resync": (
        Role.TECHNICAL_WORKER,
        "/replication/resync/?table={database}.tweets",
    ),
    "replication-preview": (Role.TECHNICAL_WORKER, "/replication/preview/"),
    "figures": (Role.SENIOR_MANAGEMENT, "/figures/"),
}
"""By a name: the role that sees it, none for everybody, and its address."""
