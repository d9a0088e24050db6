from __future__ import annotations

from django.urls import path

from webapp.predictions.views.attempt import attempt

app_name = "predictions"
urlpatterns = [path("models/<int:pk>/try/", attempt, name="try")]
