"""Parts of pages that ask for news of themselves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def digest(facts: object) -> str:
    """A short hash of what a part of a page shows."""
    return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:16]


def render_live(
    request: HttpRequest, template: str, context: Callable[[], dict[str, Any]], facts: object
) -> HttpResponse:
    """The part, or 304 without a body if the facts are those that the page shows already.

    The template repeats ``digest`` as If-None-Match, so that the browser's cache takes no part in it;
    ``context`` is made only if it is shown.
    """
    tag = digest(facts)
    if request.headers.get("If-None-Match") == f'"{tag}"':
        return HttpResponse(status=304)
    return render(request, template, {**context(), "digest": tag})


def reload_page() -> HttpResponse:
    """What the page shows is over: have htmx load the whole page again."""
    return HttpResponse(status=204, headers={"HX-Refresh": "true"})
