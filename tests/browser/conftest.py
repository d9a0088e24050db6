"""The whole site, started as a person starts it, and a Chromium to visit it with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.pictures import digits_zip
from tests.browser.steps import Person, Site, Trained, create_account, make_data_set, make_token, train
from tests.launch import ROOT, Launched

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 15_000  # ms for anything that has no budget of its own; the machine is busy


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test to need the journey waits for all of it."""
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    with Launched(tmp_path_factory.mktemp("site") / "data") as site:
        yield site


def executable() -> str:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "There is no Chromium: run the tests with `make test`, or set CHROMIUM to its path."
    return path


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pictures_of_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: into the documentation only when that is asked for."""
    if os.environ.get("SCREENSHOTS") == "1":
        folder = ROOT / "docs" / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    return tmp_path_factory.mktemp("screenshots")


@pytest.fixture(scope="session")
def new_context(chromium: Browser, launched: Launched) -> Iterator[Callable[[], BrowserContext]]:
    contexts: list[BrowserContext] = []

    def make() -> BrowserContext:
        context = chromium.new_context(
            base_url=launched.url, viewport={"width": 1280, "height": 860}, reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def site(launched: Launched, pictures_of_pages: Path) -> Site:
    return Site(launched, pictures_of_pages)


@pytest.fixture(scope="session")
def owner(site: Site, new_context: Callable[[], BrowserContext]) -> Person:
    """Step 1: the first visit."""
    context = new_context()
    create_account(context.new_page(), site)
    return Person(context)


@pytest.fixture(scope="session")
def data_set(site: Site, owner: Person, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Step 2: the address of an imported data set."""
    return make_data_set(owner.page, site, digits_zip(tmp_path_factory.mktemp("zip") / "digits.zip"))


@pytest.fixture(scope="session")
def trained(site: Site, owner: Person, data_set: str) -> Trained:
    """Steps 3 and 4: a finished search and its model."""
    return train(owner.page, site, data_set)


@pytest.fixture(scope="session")
def token(site: Site, owner: Person) -> str:
    return make_token(owner.page, site)


@pytest.fixture
def page(owner: Person) -> Iterator[Page]:
    """A page of the person who is logged in; complains about errors in its scripts."""
    page = owner.context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []
