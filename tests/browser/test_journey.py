"""The whole journey on real pictures, in the order in which a person goes it, read off the pages."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.pictures import A_LABEL, LABELS, REJECTED, held_back
from tests.browser.steps import (
    SEARCH_MS,
    Person,
    Site,
    Trained,
    log_in,
    numbers,
    start_training,
)

# Of 100; by chance it is 20. Searches on these few pictures have ended at 82 to 100, on 45 test pictures.
# This test is about the journey; how good the networks are is measured elsewhere, on more pictures.
LEARNED = 60
PARITY = 1e-3  # the largest difference between two ways of asking the same network
FIRST_MODEL_SECONDS = 120.0  # 60 on a machine of its own; tests share theirs
BUNDLE = {"model.onnx", "labels.json", "model.json", "sample.jpg", "infer.py", "README.md"}


# --- 1: the account -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("owner")
def test_1_nothing_is_reachable_without_logging_in(
    new_context: Callable[[], BrowserContext], site: Site
) -> None:
    page = new_context().new_page()
    for address in ("/", "/datasets/", "/account/", "/setup/"):
        page.goto(address)
        expect(page).to_have_url(re.compile("/login/"))
    site.take_picture(page, "login")
    log_in(page, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("No account has this user name and password.")
    log_in(page)
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile("/login/"))


# --- 2: the data set ----------------------------------------------------------------------------------------


def test_2_accepted_and_rejected_make_the_total(page: Page, site: Site, data_set: str) -> None:
    page.goto(data_set)
    lead = page.get_by_text(re.compile("pictures · .* labels · version"))
    # The doctor names the file that is no picture and the one that is cut off, at least.
    *counts, findings = numbers(lead.inner_text())
    assert counts == [A_LABEL * len(LABELS), len(LABELS), 1]
    assert findings >= 2
    site.take_picture(page, "data-set")

    page.get_by_role("link", name="Rejected files").click()
    accepted, total, rejected = numbers(page.get_by_text("files became pictures").inner_text())
    assert accepted + rejected == total
    assert (accepted, rejected) == (A_LABEL * len(LABELS), len(REJECTED))
    site.take_picture(page, "data-set-rejected")


def test_2_each_rejected_file_has_its_reason(page: Page, data_set: str) -> None:
    page.goto(f"{data_set}?tab=rejected")
    reasons = {}
    for row in page.get_by_role("row").filter(has=page.get_by_role("rowheader")).all():
        reasons[row.get_by_role("rowheader").inner_text()] = row.get_by_role("cell").inner_text()
    assert {name.rpartition("/")[2] for name in reasons} == {name.rpartition("/")[2] for name in REJECTED}
    assert all(re.search(r"\w+ \w+.*\.", reason) for reason in reasons.values()), reasons


def test_2_labels_in_any_script_are_counted_and_pictures_seen(page: Page, site: Site, data_set: str) -> None:
    page.goto(f"{data_set}?tab=labels")
    for label in LABELS:
        row = page.get_by_role("row", name=re.compile(rf"^{label} "))
        expect(row.get_by_role("cell").first).to_have_text(str(A_LABEL))
    site.take_picture(page, "data-set-labels")

    page.goto(data_set)
    which = page.get_by_role("form", name="Which pictures")
    which.get_by_label("Label").select_option("три")
    expect(which.get_by_role("status")).to_contain_text(f"{A_LABEL} pictures")
    tiles = page.get_by_role("list", name="Pictures").get_by_role("img")
    expect(tiles).to_have_count(A_LABEL)
    first = tiles.first
    first.scroll_into_view_if_needed()
    expect(first).to_have_js_property("complete", value=True)
    assert first.evaluate("image => image.naturalWidth") > 0
    page.goto(f"{data_set}?tab=versions")
    site.take_picture(page, "data-set-versions")


# --- 3, 4 and 5: training, the search, the leaderboard ----------------------------------------------------


def test_3_first_usable_model_comes_soon(trained: Trained) -> None:
    assert trained.first_result_after < FIRST_MODEL_SECONDS


def test_5_leaderboard_has_both_controls_and_networks(page: Page, site: Site, trained: Trained) -> None:
    page.goto(trained.search)
    board = page.get_by_role("region", name="Leaderboard")
    names = board.get_by_role("rowheader").all_inner_texts()
    site.take_picture(page, "leaderboard")
    assert len(names) >= 3
    assert {"Always naming the most common label", "Plain transfer learning"} <= set(names)

    row = board.get_by_role("row").filter(has_text=re.compile(r"Network \d+")).first
    cells = [cell.inner_text() for cell in row.get_by_role("cell").all()]
    assert re.match(r"\d+\.\d ± \d+\.\d", cells[0]), cells  # accuracy and its uncertainty
    assert all(re.search(r"\d", cell) for cell in cells[2:6]), (
        cells
    )  # parameters, latency, size, training time
    accuracies = [float(text) for text in board.locator("tbody td:nth-child(2) strong").all_inner_texts()]
    assert accuracies == sorted(accuracies, reverse=True)


def test_5_leaderboard_says_what_the_search_was_worth(page: Page, trained: Trained) -> None:
    page.goto(trained.search)
    worth = page.get_by_role("region", name="What the search was worth")
    row = worth.get_by_role("listitem").filter(has_text="The best network, against plain transfer learning")
    expect(row).to_contain_text(re.compile(r"95 % interval .+ to .+, on the same \d+ pictures"))


def test_5_arms_are_compared_by_networks_and_by_minutes(page: Page, trained: Trained) -> None:
    page.goto(trained.search)
    chart = page.get_by_role("figure").filter(has=page.get_by_role("group", name="Read the chart by"))
    chart.get_by_text("As a table").click()
    expect(chart.get_by_role("columnheader").first).to_have_text("Networks tried")
    chart.get_by_role("radio", name="By networks tried").focus()
    page.keyboard.press("ArrowRight")
    expect(chart.get_by_role("radio", name="By minutes")).to_be_checked()
    expect(chart.get_by_role("columnheader").first).to_have_text("Minutes")


def test_5_candidate_is_drawn(page: Page, site: Site, trained: Trained) -> None:
    page.goto(trained.search)
    page.get_by_role("region", name="Leaderboard").get_by_role(
        "link", name=re.compile(r"^Network \d+")
    ).first.click()
    drawing = page.get_by_role("region", name="Architecture").locator("svg").first
    expect(drawing).to_be_visible()
    box = drawing.bounding_box()
    assert box
    assert min(box["width"], box["height"]) > 40
    site.take_picture(page, "candidate")


def test_5_search_tells_what_happened(page: Page, trained: Trained) -> None:
    page.goto(trained.search)
    page.get_by_text("What happened, line by line").click()
    expect(page.get_by_role("list", name="Log").get_by_role("listitem")).not_to_have_count(0)


def test_5_winner_states_test_figures_that_agree(page: Page, site: Site, trained: Trained) -> None:
    page.goto(trained.model)
    verdict = page.get_by_text(re.compile("pictures it had never seen; between"))
    right, _, low, high = numbers(verdict.inner_text())
    site.take_picture(page, "model")
    assert low <= right <= high
    assert right > LEARNED

    table = (
        page.get_by_role("region", name="Confusion matrix")
        .get_by_role("row")
        .filter(has=page.get_by_role("cell"))
    )
    matrix = [[int(cell) for cell in row.get_by_role("cell").all_inner_texts()] for row in table.all()]
    assert len(matrix) == len(LABELS)
    total = sum(map(sum, matrix))
    assert total == numbers(page.get_by_text(re.compile("^Measured once, on")).inner_text())[0]
    assert round(100 * sum(row[i] for i, row in enumerate(matrix)) / total) == right

    by_label = page.get_by_role("region", name="Label by label").get_by_role("rowheader")
    assert sorted(by_label.all_inner_texts()) == sorted(LABELS)
    page.goto(f"{trained.model}?tab=architecture")
    expect(page.get_by_role("region", name="Architecture").locator("svg").first).to_be_visible()
    site.take_picture(page, "model-architecture")


def test_3_stopping_keeps_the_best_so_far(page: Page, site: Site, trained: Trained, data_set: str) -> None:
    assert trained.model
    start_training(page, data_set, 10)
    expect(page.get_by_role("button", name="Try the best so far")).to_be_visible(timeout=SEARCH_MS)
    page.get_by_role("button", name="Stop and keep best").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop now").click()
    expect(page.get_by_role("heading", name="Stopped, best kept")).to_be_visible(timeout=SEARCH_MS)
    page.get_by_role("button", name="Open the model").click()
    expect(page.get_by_text(re.compile("pictures it had never seen"))).to_be_visible()
    page.goto("/")
    site.take_picture(page, "home")


# --- 6, 7 and 8: trying, downloading and calling --------------------------------------------------------


def answer_of(page: Page, picture: Path) -> str:
    page.get_by_label("Picture to try").set_input_files(picture)
    answer = page.get_by_role("region", name="Answer")
    expect(answer.get_by_role("progressbar")).to_have_count(len(LABELS))
    return answer.get_by_role("heading").inner_text()


def test_6_picture_that_nobody_labelled_gets_the_right_label(
    page: Page, site: Site, trained: Trained, tmp_path: Path
) -> None:
    right = 0
    for digit, label in enumerate(LABELS):
        picture = tmp_path / f"{digit}.png"
        picture.write_bytes(held_back(digit))
        page.goto(f"{trained.model}?tab=try")
        right += answer_of(page, picture) == label
    site.take_picture(page, "model-try")
    assert right > len(LABELS) * LEARNED / 100


def test_6_file_that_is_no_picture_is_said_to_be_none(page: Page, trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("This is a picture of a cat.")
    page.goto(f"{trained.model}?tab=try")
    page.get_by_label("Picture to try").set_input_files(tmp_path / "notes.png")
    expect(page.get_by_role("region", name="Answer").get_by_role("alert")).to_contain_text(
        re.compile(r"\w+ .*\.")
    )


@pytest.fixture(scope="module")
def bundle(owner: Person, site: Site, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked download."""
    owner.page.goto(f"{trained.model}?tab=download")
    site.take_picture(owner.page, "model-download")
    with owner.page.expect_download() as download:
        owner.page.get_by_role("button", name="Download bundle").click()
    folder = tmp_path_factory.mktemp("bundle")
    download.value.save_as(folder / "bundle.zip")
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        archive.extractall(folder)
    return next(folder.rglob("model.onnx")).parent


def asked_of_script(bundle: Path, picture: Path) -> dict[str, float]:
    """What infer.py says, run by a Python that knows nothing of this project."""
    done = subprocess.run(
        [sys.executable, "-I", str(bundle / "infer.py"), str(picture)],
        cwd=bundle,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return probabilities(json.loads(done.stdout.splitlines()[-1]))


def probabilities(answer: dict[str, list[dict[str, object]]]) -> dict[str, float]:
    return {str(one["label"]): float(str(one["probability"])) for one in answer["predictions"]}


def test_7_bundle_holds_everything_and_says_how_exact_it_is(bundle: Path) -> None:
    assert {path.name for path in bundle.iterdir()} >= BUNDLE
    card = json.loads((bundle / "model.json").read_text())
    assert sorted(json.loads((bundle / "labels.json").read_text())) == sorted(LABELS)
    assert card["parity"]["max_abs_diff"] <= PARITY
    assert sum(asked_of_script(bundle, bundle / "sample.jpg").values()) == pytest.approx(1, abs=1e-3)


def test_8_endpoint_answers_like_the_script_in_the_bundle(
    site: Site, trained: Trained, bundle: Path, token: str, tmp_path: Path
) -> None:
    number = trained.model.rstrip("/").rpartition("/")[2]
    for digit in range(len(LABELS)):
        picture = tmp_path / f"{digit}.png"
        picture.write_bytes(held_back(digit, 1))
        request = urllib.request.Request(  # noqa: S310
            f"{site.url}/api/v1/models/{number}/predict",
            data=picture.read_bytes(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "image/png"},
        )
        with urllib.request.urlopen(request) as response:  # noqa: S310
            answer = json.load(response)
        assert answer["model"] == int(number)
        served, run = probabilities(answer), asked_of_script(bundle, picture)
        assert served.keys() == run.keys() == set(LABELS)
        assert max(abs(served[label] - run[label]) for label in LABELS) <= PARITY


def test_8_lines_on_the_page_work_when_pasted(
    page: Page, site: Site, trained: Trained, bundle: Path, tmp_path: Path
) -> None:
    shutil.copy(bundle / "sample.jpg", tmp_path / "picture.jpg")
    expected = asked_of_script(bundle, tmp_path / "picture.jpg")
    page.goto(f"{trained.model}?tab=use")
    site.take_picture(page, "model-use")
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_role("region", name="API token")).to_be_visible()
    expect(page.get_by_role("region", name="Python")).not_to_contain_text("YOUR_TOKEN")

    python = page.get_by_role("region", name="Python").inner_text()
    run = subprocess.run(
        [sys.executable, "-c", python], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert max(expected, key=lambda label: expected[label]) in run.stdout

    if shutil.which("curl") is None:
        pytest.skip("The Python lines work; the curl line was not tried, because curl is not installed.")
    curl = page.get_by_role("region", name="curl").inner_text()
    run = subprocess.run(
        ["bash", "-c", f"{curl} --silent"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    answer = probabilities(json.loads(run.stdout))
    assert max(abs(answer[label] - expected[label]) for label in LABELS) <= PARITY
