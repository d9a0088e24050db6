"""Reading pages as a person would: their words, without the markup."""

from __future__ import annotations

import html
import re
from typing import Any

from django.test import Client

BESIDES = re.compile(r"<(script|style|svg)\b.*?</\1>", re.DOTALL)


def words(answer: Any) -> str:
    """The text of a page, one space between words."""
    text = BESIDES.sub(" ", answer.content.decode())
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def read(client: Client, address: str, *, status: int = 200) -> str:
    """The text of the page at an address."""
    answer = client.get(address)
    assert answer.status_code == status, words(answer)[:500]
    return words(answer)
