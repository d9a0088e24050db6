"""Lists of labels inside an upload: what people write by hand, and what other tools export."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_engine.data.annotations.matching import Files, match_rows, read_listing
from search_engine.data.annotations.rows import ListError, Row
from search_engine.data.scan import Found, Limits, Reason, Rejected, Scanned, count_archive, scan
from search_engine.data.sources import Entry
from search_engine.errors import ArchiveError
from tests.engine.data.drawing import make_zip, picture

IMAGES = {f"images/{name}.png": picture(i) for i, name in enumerate("abcd")}
Labels = dict[str, tuple[str, ...]]


def scanned(
    tmp_path: Path, files: dict[str, bytes], pictures: dict[str, bytes] | None = None
) -> list[Scanned]:
    path = make_zip(tmp_path / "upload.zip", (IMAGES if pictures is None else pictures) | files)
    results = list(scan(path))
    assert len(results) == count_archive(path)
    return results


def labels(results: list[Scanned]) -> Labels:
    return {
        result.name.rpartition("/")[2][0]: result.labels for result in results if isinstance(result, Found)
    }


def splits(results: list[Scanned]) -> list[str | None]:
    return [result.split for result in results if isinstance(result, Found)]


def rejected(results: list[Scanned]) -> dict[str, Reason]:
    return {result.name: result.code for result in results if isinstance(result, Rejected)}


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def as_jsonl(*values: object) -> bytes:
    return b"".join(as_json(value) + b"\n" for value in values)


SINGLE: Labels = {"a": ("cat",), "b": ("dog",), "c": ("cat",), "d": ("dog",)}
SEVERAL: Labels = {"a": ("x", "y"), "b": ("y",), "c": (), "d": ("x", "y")}
COCO = {
    "images": [{"id": i, "file_name": f"{name}.png"} for i, name in enumerate("abcd")],
    "categories": [{"id": 7, "name": "x"}, {"id": 9, "name": "y"}],
    "annotations": [
        {"id": i, "image_id": image, "category_id": category, "bbox": [0, 0, 3, 3]}
        for i, (image, category) in enumerate([(0, 7), (0, 9), (0, 7), (1, 9), (3, 7), (3, 9)])
    ],
}


def studio(name: str, *choices: str, **more: object) -> dict[str, object]:
    result = [{"type": "choices", "value": {"choices": list(choices)}}] if choices else []
    return {"id": 1, "data": {"image": name}, "annotations": [{"result": result}], **more}


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("labels.csv", b"filename,label\na.png,cat\nb.png,dog\nc.png,cat\nd.png,dog\n", SINGLE),
        (
            "x.csv",
            b"\xef\xbb\xbfImage Path;Class\r\na.png;cat\r\nb.png;dog\r\nc.png;cat\r\nd.png;dog",
            SINGLE,
        ),
        ("x.tsv", b"file\tcategory\na.png\tcat\nb.png\tdog\nc.png\tcat\nd.png\tdog\n", SINGLE),
        ("x.csv", "filename,label\na.png,cat\nb.png,dog\nc.png,cat\nd.png,dog\n".encode("utf-16"), SINGLE),
        ("x.csv", b"label,split,image_id\ncat,,a\ndog,,b\ncat,,c\ndog,,d\n", SINGLE),
        ("x.csv", b"a.png,cat\nb.png,dog\nc.png,cat\nd.png,dog\n", SINGLE),
        ("x.csv", b"picture of pet,breed\na.png,cat\nb.png,dog\nc.png,cat\nd.png,dog\n", SINGLE),
        (
            "x.csv",
            b"gs://b/images/a.png,cat\ngs://b/images/b.png,dog\n/home/me/c.png,cat\nC:\\me\\D.PNG,dog\n",
            SINGLE,
        ),
        ("labels.csv", b"filename,labels\na.png,x|y\nb.png,y\nc.png,\nd.png,x|y|x\n", SEVERAL),
        ("labels.csv", b'filename,tags\na.png,"x, y"\nb.png,y\nc.png,\nd.png,x;y\n', SEVERAL),
        ("labels.csv", b"filename,label\na.png,x\na.png,y\nb.png,y\nc.png,\nd.png,x\nd.png,y\n", SEVERAL),
        ("x.csv", b"TRAIN,a.png,x,y\nTEST,b.png,y\nUNASSIGNED,c.png\nVALIDATION,d.png,x,y\n", SEVERAL),
        ("_classes.csv", b"filename, x, y\na.png, 1, 1\nb.png, 0, 1\nc.png, 0, 0\nd.png, 1, 1\n", SEVERAL),
        (
            "x.jsonl",
            as_jsonl(
                *(
                    {
                        "imageGcsUri": f"gs://bucket/{name}.png",
                        "classificationAnnotation": {"displayName": found[0]},
                    }
                    for name, found in SINGLE.items()
                )
            ),
            SINGLE,
        ),
        (
            "x.jsonl",
            as_jsonl(
                *(
                    {
                        "imageGcsUri": f"gs://bucket/{name}.png",
                        "classificationAnnotations": [{"displayName": label} for label in found],
                    }
                    for name, found in SEVERAL.items()
                )
            ),
            SEVERAL,
        ),
        (
            "metadata.jsonl",
            as_jsonl(*({"file_name": f"{name}.png", "labels": found} for name, found in SEVERAL.items())),
            SEVERAL,
        ),
        ("annotations/instances.json", as_json(COCO), SEVERAL),
        (
            "project.json",
            as_json(
                [
                    studio("/data/upload/1/0a1b2c3d-a.png", "x", "y"),
                    studio("/data/local-files/?d=images/b.png", "y"),
                    studio("http://host/c.png?token=1"),
                    studio("s3://bucket/d.png", "x", "y"),
                ]
            ),
            SEVERAL,
        ),
        (
            "project-min.json",
            as_json(
                [
                    {"id": 1, "image": "/data/upload/1/0a1b2c3d-a.png", "choice": "cat"},
                    {"id": 2, "image": "b.png", "choice": {"choices": ["dog"]}},
                    {"id": 3, "image": "c.png", "choice": "cat"},
                    {"id": 4, "image": "d.png", "choice": "dog"},
                ]
            ),
            SINGLE,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_list_gives_the_labels(tmp_path: Path, name: str, data: bytes, expected: Labels) -> None:
    results = scanned(tmp_path, {name: data})
    assert labels(results) == expected
    assert rejected(results) == {}


def test_vertex_ai_says_the_splits(tmp_path: Path) -> None:
    uses = ("TRAIN", "VALIDATE", "Test", "UNASSIGNED")
    rows = "\n".join(f"{use},gs://b/{name}.png,cat" for use, name in zip(uses, "abcd", strict=True))
    assert splits(scanned(tmp_path, {"x.csv": rows.encode()})) == ["train", "validation", "test", None]
    objects = [
        {
            "imageGcsUri": f"{name}.png",
            "classificationAnnotation": {"displayName": "cat"},
            "dataItemResourceLabels": {"aiplatform.googleapis.com/ml_use": use},
        }
        for use, name in zip(("training", "validation", "test", "unassigned"), "abcd", strict=True)
    ]
    results = scanned(tmp_path, {"x.jsonl": as_jsonl(*objects)})
    assert splits(results) == ["train", "validation", "test", None]


def test_lists_named_by_their_split_say_it(tmp_path: Path) -> None:
    lists = {
        "train.csv": b"filename,label\na.png,cat\nb.png,dog\n",
        "my-test-list.csv": b"filename,label\nc.png,cat\nd.png,dog\n",
    }
    assert splits(scanned(tmp_path, lists)) == ["train", "train", "test", "test"]


def test_a_list_in_each_split_folder_means_the_pictures_beside_it(tmp_path: Path) -> None:
    pictures = {"train/1.png": picture(1), "valid/1.png": picture(2), "test/1.png": picture(3)}
    lists = {
        f"{split}/_classes.csv": b"filename,x,y\n1.png,%d,%d\n" % marks
        for split, marks in {"train": (1, 0), "valid": (0, 1), "test": (1, 1)}.items()
    }
    results = [r for r in scanned(tmp_path, lists, pictures) if isinstance(r, Found)]
    assert {r.name: r.labels for r in results} == {
        "train/1.png": ("x",),
        "valid/1.png": ("y",),
        "test/1.png": ("x", "y"),
    }


def test_nothing_is_lost_silently(tmp_path: Path) -> None:
    rows = b"""filename,label,split
a.png,cat,train
missing.png,dog,train
b.png,dog,sometimes
,dog,train
c.png,"ca\x07t",train
images/a.png,cat,test
"""
    results = scanned(tmp_path, {"labels.csv": rows})
    assert labels(results) == {"a": ("cat",)}
    assert rejected(results) == {
        "images/b.png": Reason.NOT_LISTED,
        "images/c.png": Reason.NOT_LISTED,
        "images/d.png": Reason.NOT_LISTED,
        "labels.csv, row 3: missing.png": Reason.LISTED_BUT_MISSING,
        "labels.csv, row 2: a.png": Reason.LISTED_BUT_MISSING,
        "labels.csv, row 4": Reason.BAD_ROW,
        "labels.csv, row 5": Reason.BAD_ROW,
        "labels.csv, row 6": Reason.BAD_ROW,
    }
    reasons = {result.name: result.reason for result in results if isinstance(result, Rejected)}
    assert "“sometimes” is no split. Write TRAIN" in reasons["labels.csv, row 4"]
    assert "labels.csv does not name it" in reasons["images/b.png"]


def test_two_rows_that_disagree_about_the_split_are_told_of(tmp_path: Path) -> None:
    results = scanned(tmp_path, {"x.csv": b"TRAIN,a.png,cat\nTEST,a.png,cat\n"}, {"a.png": picture()})
    assert splits(results) == ["train"]
    assert rejected(results) == {"x.csv, row 2: a.png": Reason.BAD_ROW}


def test_a_name_that_several_pictures_have_is_told_of(tmp_path: Path) -> None:
    pictures = {"one/a.png": picture(1), "two/a.png": picture(2), "two/b.png": picture(3)}
    results = scanned(tmp_path, {"x.csv": b"filename,label\na.png,cat\nb.png,dog\n"}, pictures)
    assert labels(results) == {"b": ("dog",)}
    assert rejected(results)["x.csv, row 2: a.png"] == Reason.LISTED_BUT_MISSING
    results = scanned(tmp_path, {"x.csv": b"filename,label\nset/two/a.png,cat\nb.png,dog\n"}, pictures)
    assert labels(results) == {"a": ("cat",), "b": ("dog",)}


def test_a_row_of_a_picture_elsewhere_does_not_label_its_namesake(tmp_path: Path) -> None:
    pictures = {"test/1.png": picture(1)}
    results = scanned(tmp_path, {"x.csv": b"filename,label\ntrain/1.png,cat\ntest/1.png,dog\n"}, pictures)
    assert [r.labels for r in results if isinstance(r, Found)] == [("dog",)]
    assert list(rejected(results)) == ["x.csv, row 2: train/1.png"]


def test_only_the_newest_annotation_counts(tmp_path: Path) -> None:
    task = {
        "data": {"image": "a.png"},
        "annotations": [
            {"updated_at": "2026-01-02", "result": [{"value": {"choices": ["new"]}}]},
            {"updated_at": "2026-01-01", "result": [{"value": {"choices": ["old"]}}]},
            {"updated_at": "2026-01-03", "was_cancelled": True, "result": [{"value": {"choices": ["no"]}}]},
        ],
    }
    assert labels(scanned(tmp_path, {"x.json": as_json([task])}, {"a.png": picture()})) == {"a": ("new",)}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("sizes.csv", b"filename,width,height\n0.png,24,16\n"),
        ("sums.csv", b"cats/0.png,d41d8cd9\ncats/1.png,e41d8cd9\ncats/2.png,f41d8cd9\ndogs/0.png,a41d8cd9\n"),
        ("notes.json", b'{"author": "me"}'),
        ("broken.json", b"{"),
        ("labels.csv", b"filename,label\nnowhere.png,cat\n"),
        ("metadata.jsonl", b'{"file_name": "cats/0.png", "text": "a cat on a mat"}\n'),
        ("labels.csv", b"filename,label\ncats/0.png,\npuppies/0.png,\n"),
    ],
)
def test_other_files_beside_label_folders_do_not_count(tmp_path: Path, name: str, data: bytes) -> None:
    pictures = {
        f"{label}/{i}.png": picture(i + len(label)) for label in ("cats", "puppies") for i in range(3)
    }
    results = scanned(tmp_path, {name: data}, pictures)
    assert [r.labels for r in results if isinstance(r, Found)] == [("cats",)] * 3 + [("puppies",)] * 3


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        (
            "labels.csv",
            b"filename,label\nx.png,cat\ny.png,dog\n",
            "names 2 pictures, but none of them.*“x.png”",
        ),
        ("labels.json", b'{"images": [}', "The list labels.json is no JSON at line 1"),
        ("labels.jsonl", b'{"file_name": "a.png", "label": "cat"}\n{oops}\n', "no JSON at line 2"),
        ("labels.csv", b"x,y,z\na.png,1,2\nb.png,2,3\n", "columns of labels.csv are not clear.*“filename”"),
        ("labels.json", b"[" * 100_000, "is no JSON at its nesting"),
        ("labels.csv", b"filename,label\n" + b'"' + b"x" * 200_000 + b'",cat\n', "cannot be read at line 2"),
    ],
)
def test_the_only_list_must_be_of_use(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    with pytest.raises(ArchiveError, match=says):
        scanned(tmp_path, {name: data})


def test_too_many_rows_are_refused() -> None:
    rows = b"filename,label\n" + b"a.png,cat\n" * 30
    with pytest.raises(ListError, match="more than 20 rows"):
        read_listing("x.csv", rows, 20)
    with pytest.raises(ListError, match="more than 20 rows"):
        read_listing("x.jsonl", b'{"file":"a.png","label":"cat"}\n' * 30, 20)
    with pytest.raises(ListError, match="more than 2,000,000 values"):
        read_listing("x.json", b"[" + b"1," * 2_100_000 + b"1]", 20)


@pytest.mark.parametrize(
    "value",
    [
        {
            "images": [{"id": 1, "file_name": "a.png"}],
            "categories": [{"id": 1, "name": ["x"]}],
            "annotations": [{"image_id": 1, "category_id": 1}],
        },
        [{"image": "a.png", "choice": {"choices": None}}],
        [{"image": "a.png", "choice": {"choices": 5}}],
    ],
)
def test_odd_values_make_no_reader_fail(value: object) -> None:
    listing = read_listing("x.json", as_json(value), 20)
    assert listing
    assert len(listing.rows) + len(listing.bad) == 1


def test_an_address_that_nobody_can_read_is_a_picture_that_is_missing(tmp_path: Path) -> None:
    task = studio("a.png", "cat")
    wrong = {"data": {"image": "http://[oops/a%20b.png"}, "annotations": task["annotations"]}
    results = scanned(tmp_path, {"x.json": as_json([task, wrong])}, {"a.png": picture()})
    assert labels(results) == {"a": ("cat",)}
    assert list(rejected(results).values()) == [Reason.LISTED_BUT_MISSING]


def test_the_same_names_in_a_thousand_folders_are_found_at_once() -> None:
    paths = [f"set/{folder}/{number}.png" for folder in range(1000) for number in range(60)]
    files = Files((Entry(i, path, 0), tuple(path.split("/"))) for i, path in enumerate(paths))
    rows = [Row(f"row {i}", path.removeprefix("set/"), ("x",), None) for i, path in enumerate(paths)]
    began = time.process_time()
    matched, wrong = match_rows(rows, files, ())
    assert time.process_time() - began < 15  # comparing every row with all its namesakes takes 100 s
    assert not wrong
    assert all(matched[i] == [row] for i, row in enumerate(rows))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["x.csv", "x.jsonl", "x.json"]), st.binary(max_size=300))
def test_no_bytes_make_a_reader_fail(name: str, data: bytes) -> None:
    with contextlib.suppress(ListError):
        read_listing(name, data, 100)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["images", "annotations", "categories", "id", "file_name", "data", "image", "result",
                         "value", "choices", "label", "labels", "image_id", "category_id", "name"]),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(JSON, st.sampled_from(["x.json", "x.jsonl"]))
def test_no_json_makes_a_reader_fail(value: object, name: str) -> None:
    read_listing(name, as_json(value), Limits().max_files)
