"""The pages, one a role."""
