from __future__ import annotations

from django.urls import include, path

from webapp.api.api import api
from webapp.core.views.health import healthz
from webapp.trained.views.home import home

urlpatterns = [
    path("", home, name="home"),
    path("healthz", healthz, name="healthz"),
    path("", include("webapp.core.urls")),
    path("", include("webapp.accounts.urls")),
    path("", include("webapp.datasets.urls")),
    path("", include("webapp.searches.urls")),
    path("", include("webapp.trained.urls")),
    path("", include("webapp.predictions.urls")),
    path("api/v1/", api.urls),
]
handler404 = "webapp.core.views.errors.not_found"
handler500 = "webapp.core.views.errors.server_error"
handler403 = "webapp.core.views.errors.forbidden"
