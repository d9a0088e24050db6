"""axe-core finds nothing to complain about on any page, light or dark, and every page fits a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.steps import Person, Site, Trained

PAGES = {
    "home": "/",
    "data sets": "/datasets/",
    "new data set": "/datasets/new/",
    "add pictures": "{data_set}upload/",
    "account": "/account/",
    "missing": "/models/999999/",
    "pictures": "{data_set}",
    "labels": "{data_set}?tab=labels",
    "rejected": "{data_set}?tab=rejected",
    "versions": "{data_set}?tab=versions",
    "version": "{data_set}versions/1/",
    "an old version's pictures": "{data_set}?version=1&sort=name",
    "removed pictures": "{data_set}?show=removed",
    "label by keyboard": "{data_set}label/",
    "train": "{data_set}train/",
    "leaderboard": "{search}",
    "candidate": "{search}candidates/2/",
    "model": "{model}",
    "try": "{model}?tab=try",
    "architecture": "{model}?tab=architecture",
    "use": "{model}?tab=use",
    "download": "{model}?tab=download",
}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(params=PAGES)
def address(request: pytest.FixtureRequest, trained: Trained, data_set: str) -> str:
    template = PAGES[request.param]
    return template.format(data_set=data_set, search=trained.search, model=trained.model)


@pytest.fixture
def stranger(new_context: Callable[[], BrowserContext], owner: Person) -> Iterator[Page]:
    """Somebody who is not logged in, after the account was made."""
    assert owner
    page = new_context().new_page()
    yield page
    page.close()


def complaints(page: Page) -> str:
    results = Axe().run(page)
    return str(results.generate_report()) if results.violations_count else ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_has_nothing_that_axe_complains_about(page: Page, address: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    page.goto(address)
    expect(page.get_by_role("main")).to_be_visible()
    assert complaints(page) == ""


def test_login_page_has_nothing_that_axe_complains_about(stranger: Page) -> None:
    stranger.goto("/login/")
    assert complaints(stranger) == ""


def test_page_does_not_scroll_sideways_on_a_phone(page: Page, address: str) -> None:
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    page.goto(address)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]


@pytest.mark.parametrize("name", ["train", "account", "data sets", "missing"])
def test_page_that_no_step_stays_on_has_its_picture(page: Page, site: Site, data_set: str, name: str) -> None:
    page.goto(PAGES[name].format(data_set=data_set))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    site.take_picture(page, name.replace(" ", "-"))


def test_pictures_of_the_dark_and_of_a_phone(page: Page, site: Site, trained: Trained) -> None:
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    for name, address in {"leaderboard-dark": trained.search, "model-dark": trained.model}.items():
        page.goto(address)
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
        site.take_picture(page, name)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    page.goto(trained.model)
    site.take_picture(page, "model-phone")
    assert (site.screenshots / "model-phone.png").stat().st_size > 0
