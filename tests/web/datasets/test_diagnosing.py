"""The doctor at imports and after edits: findings are rows that keep what people said about them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image as Pillow
from PIL import ImageEnhance, ImageFilter

from search_engine.data import doctor
from tests.engine.data.scenes import saved, scene
from tests.web.factories import import_files, imported_dataset, make_dataset
from webapp.accounts.models import User
from webapp.datasets import diagnosing, editing, services
from webapp.datasets.models import Dataset, Finding, Image

Kind = Finding.Kind


def png(image: Pillow.Image) -> bytes:
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def scenes(*labels: str, each: int = 12) -> dict[str, bytes]:
    return {
        f"{label}/{number}.png": png(scene(100 * position + number))
        for position, label in enumerate(labels)
        for number in range(each)
    }


def open_findings(dataset: Dataset) -> dict[str, list[list[str]]]:
    """The files of open findings, by kind."""
    found: dict[str, list[list[str]]] = {}
    for finding in dataset.findings.filter(state=Finding.State.OPEN):
        found.setdefault(finding.kind, []).append(finding.files)
    return found


def test_every_planted_fault_is_found_and_none_is_invented(alice: User) -> None:
    files = scenes("cat", "dog", each=20)
    odd = {
        Kind.DARK: ("cat/dark.png", png(ImageEnhance.Brightness(scene(501)).enhance(0.1))),
        Kind.BRIGHT: ("cat/bright.png", png(scene(502).point(lambda value: 220 + value // 8))),
        Kind.BLURRY: ("dog/blurry.png", png(scene(503).filter(ImageFilter.GaussianBlur(3)))),
        Kind.UNIFORM: ("cat/uniform.png", png(Pillow.new("RGB", (120, 90), (90, 120, 80)))),
        Kind.TINY: ("dog/tiny.png", png(scene(504).resize((10, 10)))),
        Kind.ASPECT_RATIO: ("dog/strip.png", png(scene(505).resize((400, 20)))),
        Kind.GRAYSCALE: ("cat/grey.png", png(scene(506).convert("L"))),
        Kind.TRUNCATED: ("cat/cut.png", png(scene(507))[:-400]),
        Kind.UNREADABLE: ("dog/text.jpg", b"no picture"),
    }
    near = {"cat/near.png": png(saved(scene(1).resize((80, 60)), quality=60))}
    copy, other = {"dog/copy.png": files["dog/2.png"]}, {"dog/cat.png": files["cat/3.png"]}
    few = {f"owl/{number}.png": png(scene(600 + number)) for number in range(2)}
    dataset = imported_dataset(alice, files={**files, **dict(odd.values()), **near, **copy, **other, **few})
    found = open_findings(dataset)
    assert {kind: files for kind, files in found.items() if kind in odd} == {
        kind: [[name]] for kind, (name, _) in odd.items()
    }
    assert found[Kind.NEAR_DUPLICATE] == [["cat/1.png", "cat/near.png"]]
    assert found[Kind.EXACT_DUPLICATE] == [["dog/2.png", "dog/copy.png"]]
    assert found[Kind.CONFLICTING_LABELS] == [["cat/3.png", "dog/cat.png"]]
    assert found[Kind.TOO_FEW] == [["owl/0.png", "owl/1.png"]]
    assert found.keys() == odd.keys() | {
        Kind.NEAR_DUPLICATE,
        Kind.EXACT_DUPLICATE,
        Kind.CONFLICTING_LABELS,
        Kind.TOO_FEW,
    }


def test_nothing_is_found_in_good_pictures(alice: User) -> None:
    assert open_findings(imported_dataset(alice, files=scenes("cat", "dog"))) == {}


def test_facts_of_pictures_are_kept(alice: User) -> None:
    image = Image.objects.filter(dataset=imported_dataset(alice, files=scenes("cat", "dog"))).first()
    assert image is not None
    assert image.phash is not None
    assert image.is_gray is False
    assert 0 < (image.brightness or 0) < 1
    assert (image.sharpness or 0) > 0.3


def test_near_duplicates_are_in_one_split_and_one_group_of_the_manifest(alice: User) -> None:
    files = scenes("cat", "dog", each=20)
    files |= {f"cat/{number} again.png": png(saved(scene(number), quality=50)) for number in range(20)}
    dataset = imported_dataset(alice, files=files)
    images = {image.name: image for image in Image.objects.filter(dataset=dataset)}
    for number in range(20):
        one, other = images[f"cat/{number}.png"], images[f"cat/{number} again.png"]
        assert one.group == other.group != ""
        assert one.split == other.split
    assert images["dog/1.png"].group == ""
    assert dataset.latest is not None
    groups = {picture.id: picture.group for picture in services.single_label_pictures(dataset.latest)}
    assert groups[images["cat/1.png"].pk] == groups[images["cat/1 again.png"].pk]


def test_near_duplicates_of_pictures_from_before_go_where_these_are(alice: User) -> None:
    dataset = imported_dataset(alice, files=scenes("cat", "dog", each=20))
    again = {f"cat/{number} again.png": png(saved(scene(number), quality=50)) for number in range(20)}
    import_files(dataset, again)
    images = {image.name: image for image in Image.objects.filter(dataset=dataset)}
    pairs = [(images[f"cat/{number}.png"], images[f"cat/{number} again.png"]) for number in range(20)]
    assert all(old.split == new.split and old.group == new.group != "" for old, new in pairs)
    assert len({old.split for old, _ in pairs}) == 3
    assert Kind.LEAKAGE not in open_findings(dataset)


def test_near_duplicates_in_given_splits_leak(alice: User) -> None:
    files = {f"train/{name}": data for name, data in scenes("cat", "dog").items()}
    files |= {
        f"test/{label}/t{number}.png": png(scene(900 + number)) for label, number in (("cat", 1), ("dog", 2))
    }
    files["test/cat/seen.png"] = png(saved(scene(4), quality=50))
    files |= {
        f"val/{label}/v{number}.png": png(scene(950 + number)) for label, number in (("cat", 1), ("dog", 2))
    }
    dataset = imported_dataset(alice, files=files)
    assert open_findings(dataset)[Kind.LEAKAGE] == [["train/cat/4.png", "test/cat/seen.png"]]


def test_the_same_zip_again_finds_nothing_new(alice: User) -> None:
    files = scenes("cat", "dog") | {"cat/copy.png": png(scene(3))}
    dataset = imported_dataset(alice, files=files)
    before = open_findings(dataset)
    import_files(dataset, files)
    assert open_findings(dataset) == before
    assert dataset.findings.count() == 1


def test_looking_again_changes_nothing(alice: User) -> None:
    dataset = imported_dataset(alice, files=scenes("cat", "dog") | {"owl/1.png": png(scene(700))})
    before = list(dataset.findings.values())
    links = sorted(Finding.images.through.objects.values_list("finding_id", "image_id"))
    diagnosing.diagnose(dataset.pk)
    assert list(dataset.findings.values()) == before
    assert sorted(Finding.images.through.objects.values_list("finding_id", "image_id")) == links


def test_what_was_ignored_stays_ignored(alice: User) -> None:
    dataset = imported_dataset(alice, files=scenes("cat", "dog") | {"owl/1.png": png(scene(700))})
    diagnosing.ignore_findings(findings=dataset.findings.all())
    import_files(dataset, {"owl/2.png": png(scene(701))})
    finding = dataset.findings.get()
    assert (finding.kind, finding.state) == (Kind.TOO_FEW, Finding.State.IGNORED)
    assert finding.files == ["owl/1.png", "owl/2.png"]
    assert diagnosing.reopen_findings(findings=dataset.findings.all()) == 1


def test_what_is_gone_is_mended_and_is_open_when_it_comes_back(alice: User) -> None:
    dataset = imported_dataset(alice, files=scenes("cat", "dog") | {"owl/1.png": png(scene(700))})
    owl = Image.objects.get(dataset=dataset, name="owl/1.png")
    editing.remove_pictures(dataset=dataset, images=[owl.pk])
    diagnosing.diagnose(dataset.pk)
    assert dataset.findings.get().state == Finding.State.FIXED
    editing.undo_last(dataset=dataset)
    diagnosing.diagnose(dataset.pk)
    assert dataset.findings.get().state == Finding.State.OPEN


def test_an_edit_has_a_worker_look_again_and_only_for_the_last_one(
    alice: User, enqueued: list[tuple[str, tuple[int, ...]]]
) -> None:
    dataset = imported_dataset(alice, files=scenes("cat", "dog") | {"owl/1.png": png(scene(700))})
    owl = Image.objects.get(dataset=dataset, name="owl/1.png")
    editing.relabel(dataset=dataset, images=[owl.pk], labels=["cat"])
    first = enqueued[-1]
    editing.remove_pictures(dataset=dataset, images=[owl.pk])
    last = enqueued[-1]
    assert first[0] == last[0] == "diagnose_edited"
    diagnosing.diagnose_edited(*first[1])
    assert dataset.findings.get().state == Finding.State.OPEN
    diagnosing.diagnose_edited(*last[1])
    assert dataset.findings.get().state == Finding.State.FIXED


def test_what_was_looked_at_before_a_change_is_not_written_after_it(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = imported_dataset(alice, files=scenes("cat", "dog"))
    look = doctor.diagnose

    def slow(*args: Any, **kwargs: Any) -> Any:
        found = look(*args, **kwargs)
        monkeypatch.setattr(doctor, "diagnose", look)
        import_files(dataset, {"owl/1.png": png(scene(700))})
        return found

    monkeypatch.setattr(doctor, "diagnose", slow)
    diagnosing.diagnose(dataset.pk)
    assert dataset.findings.get().state == Finding.State.OPEN  # one owl is too few


def test_suspicions_of_a_model_are_left_alone(alice: User) -> None:
    dataset = imported_dataset(alice, files=scenes("cat", "dog"))
    version = dataset.latest
    assert version is not None
    Finding.objects.create(
        dataset=dataset,
        version=version,
        kind=Kind.SUSPECT_LABEL,
        severity="warning",
        key="k",
        message="Looks wrong.",
    )
    diagnosing.diagnose(dataset.pk)
    assert dataset.findings.get().state == Finding.State.OPEN


def test_a_data_set_without_pictures_has_no_findings(alice: User) -> None:
    dataset = make_dataset(alice)
    diagnosing.diagnose(dataset.pk)
    assert not dataset.findings.exists()
