"""The wall of pictures as a person uses it: selecting, labelling, undoing, leafing, labelling by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.pictures import encoded, picture, write_zip
from tests.browser.steps import IMPORT_MS, Person, Site, upload
from tests.browser.test_accessibility import complaints


@pytest.fixture(scope="module")
def wall_address(site: Site, owner: Person, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A data set of this file alone, since it is changed."""
    files = {
        f"{label}/{number:02d}.png": encoded(picture(digit, number), "PNG")
        for digit, label in enumerate(("cats", "dogs"))
        for number in range(10)
    }
    page = owner.context.new_page()
    upload(page, "Cats and dogs", write_zip(tmp_path_factory.mktemp("wall") / "pets.zip", files))
    expect(page.get_by_role("button", name="Train")).to_be_visible(timeout=IMPORT_MS)
    address = page.url
    page.close()
    return address


def boxes(page: Page) -> Locator:
    return page.get_by_role("main").locator("[data-tile]").get_by_role("checkbox")


def tiles(page: Page) -> Locator:
    return page.locator("[data-tile] a")


def counted(page: Page, number: int) -> None:
    bar = page.get_by_role("group", name="Selected pictures")
    if number:
        expect(bar).to_contain_text(f"{number} selected")
    else:
        expect(bar).to_be_hidden()
    expect(page.locator("[data-tile] input:checked")).to_have_count(number)


def open_wall(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("form.has-scripts")).to_be_visible()


def test_pictures_are_selected_with_the_mouse_and_the_keyboard(
    page: Page, site: Site, wall_address: str
) -> None:
    open_wall(page, wall_address)
    boxes(page).nth(1).check()
    counted(page, 1)
    tiles(page).nth(4).click(modifiers=["Shift"])
    counted(page, 4)
    tiles(page).nth(2).click(modifiers=["ControlOrMeta"])
    counted(page, 3)
    boxes(page).nth(7).click(modifiers=["Shift"])
    counted(page, 7)
    assert complaints(page) == ""
    site.take_picture(page, "wall-selected")
    page.keyboard.press("Escape")
    counted(page, 0)

    boxes(page).nth(0).focus()
    page.keyboard.press("ArrowRight")
    expect(boxes(page).nth(1)).to_be_focused()
    page.keyboard.press(" ")
    counted(page, 1)
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    counted(page, 3)
    page.keyboard.press("ArrowDown")
    expect(boxes(page).nth(9)).to_be_focused()  # six in a row
    page.keyboard.press("ControlOrMeta+a")
    counted(page, 20)
    page.get_by_role("button", name="Cancel").click()
    counted(page, 0)


def test_pictures_are_relabelled_moved_and_removed_and_that_is_undone(page: Page, wall_address: str) -> None:
    open_wall(page, wall_address)
    for number in (0, 1, 2):
        boxes(page).nth(number).check()
    page.get_by_placeholder("Label, old or new").fill("birds")
    page.get_by_role("button", name="Set label").click()
    toast = page.locator("#edit-toast")
    expect(toast).to_contain_text("3 pictures labelled “birds”.")
    expect(tiles(page).get_by_text("birds")).to_have_count(3)
    expect(page.get_by_text("Version 2 is open: 3 with other labels.")).to_be_visible()
    counted(page, 0)
    toast.get_by_role("button", name="Undo", exact=True).click()
    expect(toast).to_contain_text("Undone: 3 pictures labelled “birds”.")
    expect(tiles(page).get_by_text("birds")).to_have_count(0)

    boxes(page).nth(0).focus()
    page.keyboard.press(" ")
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(toast).to_contain_text("1 picture removed.")
    expect(tiles(page)).to_have_count(19)
    expect(boxes(page).nth(0)).to_be_focused()
    page.get_by_label("Show").select_option("Removed")
    expect(tiles(page)).to_have_count(1)
    expect(page).to_have_url(re.compile("show=removed"))
    boxes(page).nth(0).check()
    page.get_by_role("button", name="Put back").click()
    expect(page.get_by_text("Nothing was removed")).to_be_visible()
    page.go_back()
    expect(tiles(page)).to_have_count(20)

    page.get_by_label("Used for").select_option("Test")
    expect(page.get_by_role("form", name="Which pictures").get_by_role("status")).to_contain_text(
        "2 pictures"
    )
    boxes(page).nth(0).check()
    page.get_by_role("button", name="Move", exact=True).click()
    toast.get_by_role("button", name="Move them all the same").click()
    expect(toast).to_contain_text("1 picture moved to the training pictures.")
    expect(tiles(page)).to_have_count(1)


def test_pictures_are_leafed_through_and_labelled_in_the_dialog(
    page: Page, site: Site, wall_address: str
) -> None:
    open_wall(page, wall_address)
    boxes(page).nth(0).focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Picture")
    first = tiles(page).nth(0).get_by_role("img").get_attribute("alt") or ""
    second = tiles(page).nth(1).get_by_role("img").get_attribute("alt") or ""
    expect(dialog.get_by_role("heading", name=first)).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("heading", name=second)).to_be_visible()
    assert complaints(page) == ""
    site.take_picture(page, "picture")
    dialog.get_by_label("Another label", exact=True).fill("hamsters")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("hamsters", exact=True)).to_be_visible()
    expect(dialog.get_by_role("heading", name=second)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(boxes(page).nth(1)).to_be_focused()
    expect(tiles(page).nth(1)).to_contain_text("hamsters")


def test_pictures_are_labelled_by_keyboard(page: Page, site: Site, wall_address: str) -> None:
    open_wall(page, wall_address)
    for number in (3, 4, 5):
        boxes(page).nth(number).check()
    token = page.locator("form[data-wall] input[name=csrfmiddlewaretoken]").input_value()
    ids = page.locator("form[data-wall] input[name=ids]").input_value()
    form: dict[str, str | float | bool] = {"csrfmiddlewaretoken": token, "ids": ids, "action": "unlabel"}
    assert page.request.post(f"{wall_address}edit/", form=form, headers={"Referer": wall_address}).ok
    page.goto(f"{wall_address}?tab=labels")
    page.get_by_role("link", name="Label by keyboard").click()
    left = page.get_by_text(re.compile(r"of 20 pictures left without a label"))
    expect(left).to_have_text(re.compile("^3 of"))
    assert complaints(page) == ""
    site.take_picture(page, "label-by-keyboard")
    page.keyboard.press("2")
    expect(left).to_have_text(re.compile("^2 of"))
    page.keyboard.press("Backspace")
    expect(left).to_have_text(re.compile("^3 of"))
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"\?after="))
    expect(left).to_have_text(re.compile("^3 of"))
    page.keyboard.type("fish")
    page.keyboard.press("Enter")
    expect(left).to_have_text(re.compile("^2 of"))
    page.keyboard.type("dog")  # looks for the label
    page.keyboard.press("Enter")
    expect(left).to_have_text(re.compile("^1 of"))
    page.keyboard.press("1")
    expect(page.get_by_role("heading", name="Every picture has a label")).to_be_visible()
