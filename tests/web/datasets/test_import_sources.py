"""What an import keeps of lists, split folders, loose pictures, and folders on the server."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.web.factories import (
    draw_picture,
    import_files,
    imported_dataset,
    label_files,
    make_dataset,
    make_zip,
)
from webapp.accounts.models import User
from webapp.datasets import services
from webapp.datasets.importing import run_import
from webapp.datasets.models import Dataset, Image, Upload

LOOSE = {f"{number}.png": draw_picture(number) for number in range(6)}


def labelled(names: Mapping[str, list[str]]) -> dict[str, bytes]:
    rows = [json.dumps({"file_name": name, "labels": labels}) for name, labels in names.items()]
    return {"list.jsonl": "\n".join(rows).encode()}


def tar_of(files: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def add(dataset: Dataset, path: str, *, kind: Upload.Kind = Upload.Kind.FILE, label: str = "") -> Upload:
    upload = services.add_upload(dataset, name="cup.jpg", path=path, size=1, kind=kind, label=label)
    run_import(upload.pk)
    upload.refresh_from_db()
    dataset.refresh_from_db()
    return upload


def splits(dataset: Dataset) -> dict[str, tuple[str, str]]:
    return {
        name: (split, by)
        for name, split, by in Image.objects.filter(dataset=dataset).values_list("name", "split", "split_by")
    }


def test_a_tar_is_imported_like_a_zip(alice: User) -> None:
    dataset = make_dataset(alice)
    assert import_files(dataset, tar_of(label_files())).accepted == 16
    assert dataset.latest is not None
    assert services.label_counts(dataset.latest) == {"green": 8, "red": 8}


def test_several_labels_are_kept_and_settle_the_task(alice: User) -> None:
    dataset = make_dataset(alice)
    names = {"0.png": ["cup", "pen"], "1.png": ["pen"], "2.png": []}
    upload = import_files(dataset, LOOSE | labelled(names))
    assert (upload.accepted, upload.rejected) == (3, 3)  # three pictures that the list does not name
    assert dataset.task == Dataset.Task.MULTI
    found = {image.name: sorted(label.name for label in image.labels.all()) for image in dataset.images.all()}
    assert found == names
    assert dataset.latest is not None
    assert dataset.latest.summary["unlabelled"] == 1
    assert services.label_counts(dataset.latest) == {"cup": 1, "pen": 2}


def test_several_labels_are_refused_where_pictures_have_one(alice: User) -> None:
    dataset = imported_dataset(alice)
    before = dataset.images.count()
    upload = import_files(dataset, LOOSE | labelled({"0.png": ["cup"], "1.png": ["cup", "pen"]}))
    assert upload.state == Upload.State.FAILED
    assert (
        "1.png has several labels (“cup”, “pen”), but in this data set every picture has one" in upload.error
    )
    assert (dataset.task, dataset.state, dataset.images.count()) == ("single", "ready", before)


def test_loose_pictures_are_kept_without_labels_or_get_the_one_given(alice: User, data_dir: Path) -> None:
    dataset = make_dataset(alice)
    import_files(dataset, LOOSE)
    assert dataset.latest is not None
    assert (dataset.latest.pictures, dataset.latest.summary["unlabelled"]) == (6, 6)
    (data_dir / "uploads" / "one").write_bytes(draw_picture(50, file_format="JPEG"))
    assert add(dataset, "uploads/one", label="cup").accepted == 1
    image = dataset.images.get(name="cup.jpg")
    assert [label.name for label in image.labels.all()] == ["cup"]
    assert not (data_dir / "uploads" / "one").exists()


def test_an_unlabelled_copy_of_a_labelled_picture_is_a_copy(alice: User) -> None:
    files = label_files()
    dataset = imported_dataset(alice, files=files)
    upload = import_files(dataset, {"again.png": files["red/000.png"], "new.png": draw_picture(77)})
    assert (upload.accepted, upload.rejected) == (1, 1)
    copy = upload.rejected_files.get()
    assert copy.sha256 == dataset.images.get(name="red/000.png").sha256


def test_folders_without_pictures_are_noted(alice: User) -> None:
    dataset = imported_dataset(alice, files=label_files() | {"blue/": b"", "grey/bad.png": b"no picture"})
    assert dataset.latest is not None
    assert dataset.latest.summary["empty_labels"] == ["blue", "grey"]


def split_files(**counts: int) -> dict[str, bytes]:
    return {
        f"{split}/{label}/{i}.png": draw_picture(i, color=(len(split), len(label), 200))
        for split, count in counts.items()
        for label in ("green", "red")
        for i in range(count)
    }


def test_split_folders_are_kept(alice: User) -> None:
    dataset = imported_dataset(alice, files=split_files(train=6, val=2, test=3))
    words = {"train": "train", "val": "validation", "test": "test"}
    assert splits(dataset) == {name: (words[name.split("/")[0]], "folder") for name in splits(dataset)}


def test_a_split_that_no_folder_gives_is_drawn_from_training(alice: User) -> None:
    dataset = imported_dataset(alice, files=split_files(train=20, test=5))
    found = splits(dataset)
    assert {split for name, (split, _) in found.items() if name.startswith("test/")} == {"test"}
    drawn = [pair for name, pair in found.items() if name.startswith("train/")]
    assert drawn.count(("validation", "auto")) == 8
    assert drawn.count(("train", "folder")) == 32


def test_a_first_upload_in_one_split_folder_is_divided(alice: User) -> None:
    dataset = imported_dataset(alice, files=split_files(test=20))
    assert {split for split, _ in splits(dataset).values()} == {"train", "validation", "test"}


def test_a_later_upload_in_one_split_folder_stays_in_it(alice: User) -> None:
    dataset = imported_dataset(alice, files=label_files(each=20))
    import_files(dataset, split_files(test=5))
    assert {pair for name, pair in splits(dataset).items() if name.startswith("test/")} == {
        ("test", "folder")
    }


def test_pictures_without_a_split_are_drawn(alice: User) -> None:
    pictures = {f"{n}.png": draw_picture(n) for n in range(40)}
    rows = [f"{'TEST' if n < 4 else 'UNASSIGNED'},{n}.png,{'ab'[n % 2]}" for n in range(40)]
    dataset = imported_dataset(alice, files=pictures | {"list.csv": "\n".join(rows).encode()})
    found = splits(dataset)
    assert all(found[f"{n}.png"] == ("test", "folder") for n in range(4))
    assert {found[f"{n}.png"][0] for n in range(4, 40)} >= {"train", "validation"}
    assert {found[f"{n}.png"][1] for n in range(4, 40)} == {"auto"}


def test_the_same_content_is_never_in_two_splits(alice: User) -> None:
    files = split_files(train=6, val=2, test=3)
    files["test/green/leak.png"] = files["train/green/0.png"]
    files["test/red/leak.png"] = files["train/green/0.png"]
    dataset = make_dataset(alice)
    upload = import_files(dataset, files)
    refused = upload.rejected_files.get()
    assert (refused.name, refused.code) == ("test/green/leak.png", "duplicate")
    assert "in train and not in test" in refused.reason
    assert splits(dataset)["test/red/leak.png"] == ("train", "auto")
    assert dataset.latest is not None
    first = {"first": "train/green/0.png", "first_split": "train", "split": "test"}
    assert dataset.latest.summary["split_clashes"] == [
        {"name": "test/green/leak.png", **first},
        {"name": "test/red/leak.png", **first},
    ]


def test_a_picture_stays_in_the_split_that_it_had_when_it_comes_again_elsewhere(alice: User) -> None:
    files = label_files(each=20)
    dataset = imported_dataset(alice, files=files)
    tested = next(name for name, (split, _) in splits(dataset).items() if split == "test")
    import_files(dataset, {"train/blue/copy.png": files[tested], "train/blue/new.png": draw_picture(99)})
    assert splits(dataset)["train/blue/copy.png"][0] == "test"


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_on_the_server_is_read_and_left_alone(alice: User, tmp_path: Path, packed: bool) -> None:
    source = tmp_path / ("set.zip" if packed else "set")
    if packed:
        source.write_bytes(make_zip(label_files()))
    else:
        for name, data in label_files().items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(data)
    before = {path: path.stat().st_mtime_ns for path in [source, *source.rglob("*")]}
    dataset = make_dataset(alice)
    assert add(dataset, str(source), kind=Upload.Kind.SERVER).accepted == 16
    services.delete_dataset(dataset=dataset)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_failed_import_from_the_server_leaves_it_alone(alice: User, tmp_path: Path) -> None:
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"no zip")
    upload = add(make_dataset(alice), str(bad), kind=Upload.Kind.SERVER)
    assert upload.state == Upload.State.FAILED
    assert bad.exists()
    gone = add(make_dataset(alice), str(tmp_path / "none"), kind=Upload.Kind.SERVER)
    assert "not on the server any more. Check the path." in gone.error


def test_edits_that_were_open_are_sealed_by_an_import(alice: User) -> None:
    dataset = imported_dataset(alice)
    first = dataset.latest
    assert first is not None
    dataset.versions.update(state="open", kind="edit")
    import_files(dataset, label_files(("blue",)))
    assert list(dataset.versions.values_list("state", flat=True)) == ["sealed", "sealed"]
    assert dataset.latest is not None
    assert dataset.latest.changes == {"added": 8, "removed": 0, "relabelled": 0, "moved": 0}
