"""A search that is halted, resumed and given more time, on the real engine, and the look of its buttons."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.steps import SEARCH_MS, Person, Site, Trained, start_training
from tests.browser.test_accessibility import PHONE, complaints
from tests.launch import processes_of, wait_until


def engines(site: Site) -> list[int]:
    found = processes_of(site.launched.data_dir)
    return [pid for pid, command in found.items() if "search_engine work" in command]


@pytest.fixture(scope="module")
def paused(site: Site, owner: Person, trained: Trained, data_set: str) -> str:
    """The address of a search that somebody paused after its first network."""
    assert trained.search  # two searches at once would make both slow
    page = owner.context.new_page()
    search = start_training(page, data_set, 10)
    network = page.get_by_role("rowheader", name=re.compile(r"^Network \d+$")).first
    expect(network).to_be_visible(timeout=SEARCH_MS)
    expect(page.get_by_role("button", name="Try the best so far")).to_be_visible(timeout=SEARCH_MS)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text(re.compile(r"Paused, with \d+:\d\d left"))).to_be_visible()
    page.close()
    return search


def test_pause_frees_the_machine_and_keeps_the_time(page: Page, site: Site, paused: str) -> None:
    wait_until(lambda: not engines(site), 30, "the end of every engine")
    page.goto(paused)
    left = page.get_by_text(re.compile(r"Paused, with \d+:\d\d left"))
    before = left.inner_text()
    page.reload()
    assert left.inner_text() == before
    expect(page.get_by_role("button", name="Try the best so far")).to_be_visible()
    site.take_picture(page, "search-paused")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paused_page_and_its_menu_have_nothing_that_axe_complains_about(
    page: Page, paused: str, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    page.goto(paused)
    open_menu(page, "Add minutes")
    assert complaints(page) == ""
    page.keyboard.press("Escape")
    expect(page.get_by_label("Minutes to add")).to_be_hidden()


def test_paused_page_and_its_menu_fit_a_phone(page: Page, paused: str) -> None:
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    page.goto(paused)
    open_menu(page, "Add minutes")
    box = page.get_by_label("Minutes to add").bounding_box()
    assert box
    assert box["x"] >= 0
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_choices_have_nothing_that_axe_complains_about_and_fit_a_phone(
    page: Page, site: Site, data_set: str, trained: Trained
) -> None:
    assert trained.search  # so that there is one to start from
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        page.goto(f"{data_set}train/")
        page.get_by_text("Advanced:").click()
        assert complaints(page) == ""
        site.take_picture(page, f"train-advanced{'-dark' if scheme == 'dark' else ''}")
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_start_and_kind_of_search_go_together(page: Page, data_set: str, trained: Trained) -> None:
    assert trained.search
    page.goto(f"{data_set}train/")
    page.wait_for_load_state("load")
    page.get_by_text("Advanced:").click()
    page.get_by_role("radio", name=re.compile("^Layers, from scratch")).check()
    earlier = page.get_by_label("Start from")
    earlier.select_option(index=1)
    expect(page.get_by_role("radio", name=re.compile("^Everything"))).to_be_checked()
    page.get_by_role("radio", name=re.compile("^Cells, from scratch")).check()
    expect(earlier).to_have_value("")


def test_pressing_pause_elsewhere_changes_the_buttons_here(
    page: Page, paused: str, new_context: Callable[[], BrowserContext]
) -> None:
    """Resume in one window; the other, which still offers that, follows by itself. Then the search ends."""
    other = page.context.new_page()
    other.goto(paused)
    expect(other.get_by_role("button", name="Resume")).to_be_visible()
    page.goto(paused)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(other.get_by_role("button", name="Pause")).to_be_visible()
    other.close()

    open_menu(page, "Add minutes")
    page.get_by_label("Minutes to add").fill("2")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("The search has 2 minutes more.")).to_be_visible()
    expect(page.get_by_text("Asked for a network within 12 minutes.")).to_be_visible()

    page.get_by_role("button", name="Stop and keep best").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop now").click()
    expect(page.get_by_role("heading", name="Stopped, best kept")).to_be_visible(timeout=SEARCH_MS)


def test_stopped_search_goes_on_and_counts_how_often_it_was_tested(page: Page, paused: str) -> None:
    page.goto(paused)
    expect(page.get_by_role("heading", name="Stopped, best kept")).to_be_visible()
    open_menu(page, "Go on searching")
    page.get_by_label("For how many minutes?").fill("0.5")
    page.get_by_role("button", name="Go on", exact=True).click()
    expect(page.get_by_text("The search goes on for 30 seconds more.")).to_be_visible()
    expect(page.get_by_role("heading", name="The search is done")).to_be_visible(timeout=SEARCH_MS)
    page.get_by_text("What happened, line by line").click()
    log = page.get_by_role("list", name="Log")
    expect(log).to_contain_text("Goes on for 30 seconds more.")
    expect(log).to_contain_text(re.compile("have been opened 2 times by now|No better network was found"))
    page.get_by_role("button", name="Open the model").click()
    expect(page.get_by_text(re.compile("pictures it had never seen"))).to_be_visible()


def open_menu(page: Page, name: str) -> None:
    page.locator("summary").filter(has_text=name).click()
