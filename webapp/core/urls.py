from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, path

from webapp.core.views.styleguide import styleguide

urlpatterns: list[URLPattern] = []
if settings.DEBUG:
    urlpatterns.append(path("styleguide/", styleguide, name="styleguide"))
