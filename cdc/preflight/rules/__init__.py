"""The rules of preflight: facts in, findings out."""
