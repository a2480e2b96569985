"""Publishes changes for other consumers: the only code that talks to Kafka."""
