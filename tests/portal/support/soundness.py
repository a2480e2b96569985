"""What each page has: the policy of its content, the way to skip to it, and labels."""

from __future__ import annotations

import re

from django.test import Client

# What the policy forbids, so that it would be missing without notice.
_INLINE = re.compile(r"<style|<script(?![^>]* src=)|\sstyle=|\son\w+=|javascript:", re.IGNORECASE)


def assert_sound(client: Client, page: str) -> None:
    """Hold a page against the policy, and against what assistive software needs of it."""
    answer = client.get(page)
    shown = answer.content.decode()
    assert "default-src 'self';" in answer.headers["Content-Security-Policy"]
    assert not _INLINE.search(shown), page
    assert re.search(r'<a class="skip" href="#content">', shown), page
    assert shown.count("<h1>") == shown.count("<main ") == 1, page
    assert_labelled(shown)


def assert_labelled(shown: str) -> None:
    for field in re.findall(r"<(?:input|textarea|select) [^>]*>", shown):
        if 'type="hidden"' not in field:
            [id_] = re.findall(r'\bid="([^"]+)"', field)
            assert f'for="{id_}"' in shown, field
