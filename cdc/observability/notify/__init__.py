"""Tells a webhook what somebody should know: signed, tried again, and never in the stream's way."""
