"""Ways in for pictures: folders, loose files, a line that breaks, a page that is left, the camera."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Error, Page, Request, Route, expect

from tests.browser.conftest import FLAGS, PATIENCE, executable
from tests.browser.pictures import encoded, picture, write_zip
from tests.browser.steps import IMPORT_MS, Person, Site

FAKE_CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
REFUSE = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{}'))"
A_DATA_SET = re.compile(r"/datasets/\d+/$")
PIECES = "**/api/v1/uploads/*"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of label folders, one with a name in another script, and a file that is no picture."""
    root = tmp_path / "digits"
    for digit, label in enumerate(("zero", "τέσσερα")):
        (root / label).mkdir(parents=True)
        for number in range(8):
            (root / label / f"{number}.png").write_bytes(encoded(picture(digit, number), "PNG"))
    (root / "zero" / "notes.txt").write_text("Ask Ada for more of these.")
    return root


@pytest.fixture
def large_zip(tmp_path: Path) -> Path:
    """Some megabytes, which no compression makes fewer: several pieces to send."""
    rng = random.Random(5)
    files = {
        f"{label}/{number}.png": encoded(Image.frombytes("RGB", (200, 200), rng.randbytes(120_000)), "PNG")
        for label in ("noise", "snow")
        for number in range(20)
    }
    return write_zip(tmp_path / "noise.zip", files)


@contextmanager
def held_after_a_piece(page: Page) -> Iterator[None]:
    """Let one piece through and keep the next waiting."""
    pieces: list[Request] = []
    held: list[Route] = []

    def answer(route: Route, request: Request) -> None:
        if request.method == "PATCH":
            pieces.append(request)
        if request.method == "PATCH" and len(pieces) > 1:
            held.append(route)
        else:
            route.continue_()

    page.route(PIECES, answer)
    yield
    page.unroute(PIECES)
    for route in held:
        with suppress(Error):  # the page was left meanwhile, or gave the request up
            route.abort()


def choose(page: Page, files: Path | list[Path]) -> None:
    page.get_by_label("Pictures", exact=True).set_input_files(files)


def send(page: Page) -> None:
    page.get_by_role("button", name="Upload", exact=True).click()


def facts(page: Page) -> dict[str, Any]:
    """The data set of the page that is open, once it is imported, as the API tells it."""
    expect(page).to_have_url(A_DATA_SET, timeout=PATIENCE)
    page.wait_for_load_state("load")
    number = page.url.rstrip("/").rpartition("/")[2]
    expect(page.locator("#import")).to_have_count(0, timeout=IMPORT_MS)
    told: dict[str, Any] = json.loads(page.request.get(f"/api/v1/datasets/{number}").text())
    return told


def test_a_folder_becomes_a_data_set_and_loose_pictures_follow_with_their_label(
    page: Page, folder: Path, tmp_path: Path
) -> None:
    page.goto("/datasets/new/")
    page.locator("input[webkitdirectory]").set_input_files(folder)
    expect(page.get_by_role("list", name="Chosen")).to_contain_text("Folder digits: 17 files")
    expect(page.get_by_label("Name")).to_have_value("digits")
    expect(page.get_by_label("Label of the loose pictures")).to_be_hidden()
    send(page)
    told = facts(page)
    assert told["counts"] == {"accepted": 16, "rejected": 1, "total": 17}
    assert {label["name"]: label["count"] for label in told["labels"]} == {"zero": 8, "τέσσερα": 8}

    page.get_by_role("button", name="Add pictures").click()
    more = [tmp_path / f"{number}.png" for number in range(2)]
    for number, path in enumerate(more):
        path.write_bytes(encoded(picture(0, 20 + number), "PNG"))
    choose(page, more)
    expect(page.get_by_label("Label of the loose pictures")).to_be_visible()
    page.get_by_role("button", name=re.compile("Leave out 2 files")).click()
    expect(page.get_by_label("Label of the loose pictures")).to_be_hidden()
    choose(page, more)
    page.get_by_label("Label of the loose pictures").fill("zero")
    with page.expect_request("**/api/v1/uploads") as announced:
        send(page)
    assert "label emVybw==" in announced.value.headers["upload-metadata"]  # "zero" in base64
    expect(page).to_have_url(A_DATA_SET)


def test_a_drop_is_taken_as_it_was_dropped(page: Page) -> None:
    page.goto("/datasets/new/")
    data = page.evaluate_handle(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["x"], "a.png", {type: "image/png"}));
          data.items.add(new File(["y"], "waste.zip"));
          return data;
        }"""
    )
    page.locator("[data-drop]").dispatch_event("drop", {"dataTransfer": data})
    expect(page.get_by_role("list", name="Chosen").get_by_role("listitem")).to_have_text(
        [re.compile(r"a\.png"), re.compile(r"waste\.zip")]
    )
    page.get_by_label("Name").fill("")
    send(page)
    expect(page).to_have_url(re.compile("/datasets/new/$"))


def test_an_upload_is_paused_goes_on_and_survives_the_page(page: Page, large_zip: Path) -> None:
    page.goto("/datasets/new/")
    choose(page, large_zip)
    with held_after_a_piece(page):
        send(page)
        expect(page.get_by_text(re.compile(r"[1-4]\.\d MB of"))).to_be_visible()
        page.get_by_role("button", name="Pause: noise.zip").click()
        expect(page.get_by_text(re.compile("Paused at 1.0 MB"))).to_be_visible()
    with held_after_a_piece(page):
        page.get_by_role("button", name="Go on: noise.zip").click()
        expect(page.get_by_text(re.compile(r"[2-4]\.\d MB of"))).to_be_visible()
        page.reload()
    expect(page.get_by_text("noise.zip is not here as a whole")).to_be_visible()
    choose(page, large_zip)
    sent: list[Request] = []

    def note(request: Request) -> None:
        if "/api/v1/uploads" in request.url:
            sent.append(request)

    page.on("request", note)
    send(page)
    assert facts(page)["counts"]["accepted"] == 40
    assert "POST" not in [request.method for request in sent]
    assert all(int(each.headers["upload-offset"]) > 1_000_000 for each in sent if each.method == "PATCH")
    page.goto("/datasets/new/")
    expect(page.get_by_text("is not here as a whole")).to_have_count(0)


def test_a_broken_line_is_tried_again_and_a_refusal_is_told(page: Page, large_zip: Path) -> None:
    page.goto("/datasets/new/")
    broken: list[Route] = []

    def answer(route: Route) -> None:
        if route.request.method != "PATCH" or len(broken) > 1:
            route.continue_()
        else:
            broken.append(route)
            route.abort("connectionreset")

    page.route(PIECES, answer)
    choose(page, large_zip)
    send(page)
    expect(page.get_by_text("Trying again in 1 s.")).to_be_visible()
    assert facts(page)["counts"]["accepted"] == 40
    assert len(broken) == 2
    page.unroute(PIECES)

    page.get_by_role("button", name="Add pictures").click()
    error = {"error": {"code": "too_large", "message": "noise.zip is too large: at most 1 GB can be sent."}}
    page.route("**/api/v1/uploads", lambda route: route.fulfill(status=413, json=error))
    choose(page, large_zip)
    send(page)
    expect(page.get_by_text("noise.zip is too large")).to_be_visible()
    expect(page.get_by_role("button", name="Try again: noise.zip")).to_be_visible()


def test_cancelled_nothing_is_left(page: Page, site: Site, large_zip: Path) -> None:
    before = set((site.launched.data_dir / "uploads").iterdir())
    page.goto("/datasets/new/")
    page.get_by_label("Name").fill("Never mind")
    choose(page, large_zip)
    with held_after_a_piece(page):
        send(page)
        expect(page.get_by_text(re.compile(r"[1-4]\.\d MB of"))).to_be_visible()
        with page.expect_response(lambda answer: re.search(r"/datasets/\d+$", answer.url) is not None):
            page.get_by_role("button", name="Cancel: noise.zip").click()
        expect(page.get_by_role("list", name="On their way").get_by_role("listitem")).to_have_count(0)
    page.goto("/datasets/")
    expect(page.get_by_text("Never mind")).to_have_count(0)
    assert set((site.launched.data_dir / "uploads").iterdir()) == before


@pytest.fixture
def before_a_camera(chromium: Browser, owner: Person, site: Site) -> Iterator[Page]:
    """A browser with a camera, which shows a moving figure."""
    browser = chromium.browser_type.launch(executable_path=executable(), args=[*FLAGS, *FAKE_CAMERA])
    context = browser.new_context(base_url=site.url, storage_state=owner.context.storage_state())
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    browser.close()


def test_the_camera_takes_pictures_by_label(before_a_camera: Page) -> None:
    page = before_a_camera
    page.goto("/datasets/new/")
    page.get_by_label("Name").fill("Hands")
    page.get_by_role("button", name="Use the camera").click()
    hold = page.get_by_role("button", name="Hold to take pictures")
    hold.click()
    expect(page.get_by_text("Type the label of what you show first.")).to_be_visible()
    for label in ("left hand", "right hand"):
        page.get_by_label("Label", exact=True).fill(label)
        hold.hover()
        page.mouse.down()
        expect(page.get_by_text(re.compile(rf"{label} · ([7-9]|\d\d) pictures"))).to_be_visible()
        page.mouse.up()
    page.get_by_role("button", name=re.compile("Remove picture 1 of left hand")).click()
    page.get_by_role("button", name=re.compile(r"Add \d\d pictures")).click()
    told = facts(page)
    assert {label["name"] for label in told["labels"]} == {"left hand", "right hand"}
    assert all(label["count"] >= 6 for label in told["labels"])


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("Object.defineProperty(navigator, 'mediaDevices', {value: undefined})", "https"),
        (REFUSE.format("NotAllowedError"), "Allow it beside the address"),
        (REFUSE.format("NotFoundError"), "No camera was found"),
    ],
)
def test_without_a_camera_the_page_says_why(page: Page, script: str, says: str) -> None:
    page.add_init_script(script)
    page.goto("/datasets/new/")
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("alert").filter(has_text=says)).to_be_visible()
    page.get_by_role("button", name="Close the camera").click()
    expect(page.get_by_role("region", name="Camera")).to_be_hidden()
