"""What operators and supervisors see: status, metrics, HTTP, systemd."""
