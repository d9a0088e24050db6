"""What a person does on the site, step by step, and what they see there."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.launch import Launched

USER = "ada"
PASSWORD = "correct horse battery"
IMPORT_MS = 60_000  # a queue, a worker on a busy machine and a few hundred pictures
BUDGET_MINUTES = 1.5  # less, and a busy machine has no time for a first model before the finished one
SEARCH_MS = 300_000  # the budget, the controls before it is counted, the export, and a busy machine
SLOW_LINE = 200_000  # bytes a second; fast enough not to bore, slow enough to see the bar


@dataclass
class Site:
    """The running site, and the folder for pictures of its pages."""

    launched: Launched
    screenshots: Path

    @property
    def url(self) -> str:
        return self.launched.url

    def take_picture(self, page: Page, name: str) -> None:
        page.screenshot(path=self.screenshots / f"{name}.png", full_page=True, animations="disabled")


@dataclass(frozen=True)
class Trained:
    """The addresses of a search that is over and of its model, and what the first page of it said."""

    search: str
    model: str
    first_result_after: float


class Person:
    """Somebody with a browser."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.page = context.pages[0] if context.pages else context.new_page()


def create_account(page: Page, site: Site) -> None:
    """The first visit: whatever one asks for, the account comes first, with the code from the terminal."""
    page.goto("/datasets/")
    expect(page).to_have_url(re.compile("/setup/$"))
    site.take_picture(page, "setup")
    fill_setup(page, "not the code")
    expect(page.get_by_role("alert")).to_contain_text("This is not the set-up code.")
    fill_setup(page, site.launched.setup_code)
    expect(page).to_have_url(f"{site.url}/")
    site.take_picture(page, "home-empty")


def fill_setup(page: Page, code: str) -> None:
    page.get_by_label("Set-up code").fill(code)
    page.get_by_label("User name").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()


def log_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("User name").fill(USER)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def upload(page: Page, name: str, file: Path) -> None:
    """Fill in the form of a new data set and send it."""
    page.goto("/datasets/new/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Pictures", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload").click()


def make_data_set(page: Page, site: Site, file: Path) -> str:
    """Upload over a slow line, watching it arrive, and wait for the import. Returns its address."""
    page.goto("/")
    page.get_by_role("button", name="New data set").first.click()
    expect(page).to_have_url(re.compile("/datasets/new/$"))
    site.take_picture(page, "data-set-new")
    line = page.context.new_cdp_session(page)
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": SLOW_LINE}
    line.send("Network.emulateNetworkConditions", limits)
    upload(page, "Handwritten digits", file)
    bar = page.get_by_role("progressbar", name="Upload")
    expect(bar).to_be_visible()
    expect(page.get_by_text(re.compile(r"[\d.]+ [kM]B of [\d.]+ [kM]B"))).to_be_visible()
    line.send("Network.emulateNetworkConditions", {**limits, "uploadThroughput": -1})
    line.detach()

    expect(page).to_have_url(re.compile(r"/datasets/\d+/$"))
    expect(page.get_by_role("button", name="Train")).to_be_visible(timeout=IMPORT_MS)
    return page.url


def start_training(page: Page, data_set: str, minutes: float) -> str:
    """Press Train and choose a budget. Returns the search's address."""
    page.goto(data_set)
    page.get_by_role("button", name="Train").click()
    expect(page).to_have_url(re.compile("/train/$"))
    page.wait_for_load_state("load")  # the script that ticks "Other" is there from then on
    page.get_by_label("Minutes", exact=True).fill(str(minutes))
    expect(page.get_by_role("radio", name="Other")).to_be_checked()
    page.get_by_role("button", name="Start training").click()
    expect(page).to_have_url(re.compile(r"/searches/\d+/$"))
    return page.url


def train(page: Page, site: Site, data_set: str) -> Trained:
    """Train with a small budget, watch it live, and open the winner."""
    began = time.monotonic()
    search = start_training(page, data_set, BUDGET_MINUTES)
    expect(page.get_by_text("of 100 right: the best so far")).to_be_visible(timeout=SEARCH_MS)
    expect(page.get_by_role("button", name="Try the best so far")).to_be_visible(timeout=SEARCH_MS)
    first_result_after = time.monotonic() - began

    network = page.get_by_role("rowheader", name=re.compile(r"^Network \d+$")).first
    expect(network).to_be_visible(timeout=SEARCH_MS)
    expect(page.get_by_role("radio", name="By networks tried")).to_be_checked()  # also after news
    site.take_picture(page, "search-live")
    tried = numbers(page.get_by_text(re.compile(r"\d+ candidates? tried")).inner_text())[-1]
    page.reload()
    expect(network).to_be_visible()
    expect(page.get_by_text(re.compile(r"\d+:\d\d left"))).to_be_visible()
    assert numbers(page.get_by_text(re.compile(r"\d+ candidates? tried")).inner_text())[-1] >= tried

    expect(page.get_by_role("heading", name="The search is done")).to_be_visible(timeout=SEARCH_MS)
    page.get_by_role("button", name="Open the model").click()
    expect(page).to_have_url(re.compile(r"/models/\d+/$"))
    return Trained(search, page.url, first_result_after)


def make_token(page: Page, site: Site) -> str:
    """A fresh API token, read off the account page."""
    page.goto("/account/")
    page.get_by_label("Name").fill("Browser test")
    page.get_by_role("button", name="Make a token").click()
    code = page.get_by_role("status").get_by_role("region", name="API token")
    expect(code).to_be_visible()
    return code.inner_text().strip()


def numbers(text: str) -> list[int]:
    """The whole numbers in a sentence, in order."""
    return [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", text)]
