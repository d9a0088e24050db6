"""Whether the site works, for the launcher and for monitors."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from webapp.core import health


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    answer = health.check()
    return JsonResponse(answer, status=200 if answer["ok"] else 503)
