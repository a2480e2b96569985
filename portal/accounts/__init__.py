"""Accounts, their roles, and their login."""
