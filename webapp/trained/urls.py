from __future__ import annotations

from django.urls import path

from webapp.trained.views.bundle import bundle
from webapp.trained.views.delete import delete
from webapp.trained.views.detail import detail

app_name = "trained"
urlpatterns = [
    path("models/<int:pk>/", detail, name="detail"),
    path("models/<int:pk>/bundle/", bundle, name="bundle"),
    path("models/<int:pk>/delete/", delete, name="delete"),
]
