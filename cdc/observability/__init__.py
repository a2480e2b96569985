"""The view of operators and supervisors: status, metrics, HTTP, systemd."""
