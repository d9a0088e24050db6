from __future__ import annotations

from django.urls import path

from webapp.searches.views.candidate import architecture, trial
from webapp.searches.views.controller import controller
from webapp.searches.views.delete import delete
from webapp.searches.views.detail import detail, live
from webapp.searches.views.extend import extend
from webapp.searches.views.ledger import ledger
from webapp.searches.views.pause import pause, resume
from webapp.searches.views.start import start
from webapp.searches.views.stop import stop

app_name = "searches"
urlpatterns = [
    path("datasets/<int:pk>/train/", start, name="start"),
    path("searches/<int:pk>/", detail, name="detail"),
    path("searches/<int:pk>/live/", live, name="live"),
    path("searches/<int:pk>/stop/", stop, name="stop"),
    path("searches/<int:pk>/pause/", pause, name="pause"),
    path("searches/<int:pk>/resume/", resume, name="resume"),
    path("searches/<int:pk>/extend/", extend, name="extend"),
    path("searches/<int:pk>/ledger.csv", ledger, {"form": "csv"}, name="ledger_csv"),
    path("searches/<int:pk>/ledger.jsonl", ledger, {"form": "jsonl"}, name="ledger_jsonl"),
    path("searches/<int:pk>/controller/", controller, name="controller"),
    path("searches/<int:pk>/delete/", delete, name="delete"),
    path("searches/<int:pk>/candidates/<int:number>/", trial, name="trial"),
    path("searches/<int:pk>/candidates/<int:number>/architecture.svg", architecture, name="architecture"),
]
