"""Converts MySQL types to BSON: one module a family, each citing its format."""
