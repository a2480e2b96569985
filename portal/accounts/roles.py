"""The roles, and their start pages."""

from __future__ import annotations

from django.db.models import TextChoices


class Role(TextChoices):
    """The purpose of an account."""

    CUSTOMER = "customer", "customer"
    TECHNICAL_WORKER = "technical_worker", "technical worker"
    SENIOR_MANAGEMENT = "senior_management", "senior management"


DASHBOARDS: dict[Role, str] = {
    Role.CUSTOMER: "dashboards:timeline",
    Role.TECHNICAL_WORKER: "dashboards:replication",
    Role.SENIOR_MANAGEMENT: "dashboards:figures",
}
