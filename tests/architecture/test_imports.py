"""The site must start fast and small: torch belongs to the engine process alone."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

HEAVY = {"torch", "torchvision", "timm"}
TORCH_FREE = [
    "search_engine.errors",
    "search_engine.trial",
    "search_engine.config",
    "search_engine.events",
    "search_engine.data.decode",
    "search_engine.data.scan",
    "search_engine.data.manifest",
    "search_engine.data.split",
    "search_engine.data.pack",
    "search_engine.space.architecture",
    "search_engine.space.trunks",
    "search_engine.space.draw",
    "search_engine.space.cost",
    "search_engine.space.hybrid",
    "search_engine.space.lineage",
    "search_engine.evaluate.worth",
    "search_engine.strategies",
    "search_engine.strategies.sharpening",
    "search_engine.search",
    "search_engine.export.predict",
]


def loaded_after(code: str) -> set[str]:
    """The top-level packages that a fresh interpreter has loaded after running the code."""
    report = "import sys; print(' '.join({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_site_and_worker_do_not_load_torch() -> None:
    code = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
import django
django.setup()
import webapp.urls, webapp.wsgi
from webapp.celery import app
app.loader.import_default_modules()
assert any(name.startswith("webapp.") for name in app.tasks), sorted(app.tasks)
"""
    loaded = loaded_after(code)
    assert "django" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("module", TORCH_FREE)
def test_module_that_the_site_uses_is_free_of_torch_and_django(module: str) -> None:
    assert importlib.util.find_spec(module) is not None
    assert not loaded_after(f"import {module}") & (HEAVY | {"django", "celery"})
