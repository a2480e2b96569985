"""Tells changes of rows as Debezium does, in JSON without schemas."""
