"""The benchmark of accuracy: its sets, its plan, what is run again, and the line an adapter prints."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts import bench_accuracy
from scripts.bench_accuracy import Run, add, call, grammar, hold_out, last_line, measure, natural, plan, read
from scripts.peers.common import choose_resolution, epochs_that_fit, labels_of, load, parse, pictures_of

LABELS = ("dark", "light")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A set of ten training and two test pictures of each label, and a set with a table of labels."""
    folder = tmp_path / "data"
    folder.mkdir()
    for part, count in (("train", 10), ("test", 2)):
        with zipfile.ZipFile(folder / f"toys-{part}.zip", "w") as archive:
            for label in LABELS:
                for number in range(1, count + 1):
                    picture = tmp_path / "one.png"
                    Image.new("L", (6, 4), 255 * LABELS.index(label)).save(picture)
                    archive.write(picture, f"toys-{part}/{label}/p{number}.png")
        with zipfile.ZipFile(folder / f"many-{part}.zip", "w") as archive:
            archive.writestr(f"many-{part}/labels.csv", "filename,labels\n")
    return folder


def test_sets_are_pairs_with_a_folder_a_label(data: Path) -> None:
    assert bench_accuracy.sets_of(data, None) == ["toys"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"There is no folder .*nowhere"):
        bench_accuracy.sets_of(tmp_path / "nowhere", None)


def test_a_set_that_is_not_there_is_named(data: Path) -> None:
    with pytest.raises(SystemExit, match="shoes"):
        bench_accuracy.sets_of(data, ["shoes"])


def test_dev_holds_out_the_last_fifth_and_opens_no_test_zip(data: Path, tmp_path: Path) -> None:
    (data / "toys-test.zip").write_bytes(b"sealed")
    train, test = bench_accuracy.unpacked(data, Run("toys", 1, 0, "probe", 1, True), tmp_path / "work")
    assert [path.name for path in pictures_of(test, LABELS)[0]] == ["p10.png", "p9.png"] * 2
    assert len(pictures_of(train, LABELS)[0]) == 16


def test_natural_order_counts() -> None:
    assert sorted(["a10", "a9", "b1"], key=natural) == ["a9", "a10", "b1"]


def test_nothing_is_held_out_twice(data: Path, tmp_path: Path) -> None:
    run = Run("toys", 1, 0, "probe", 1, True)
    again = [bench_accuracy.unpacked(data, run, tmp_path / "work") for _ in range(2)]
    assert again[0] == again[1]
    with pytest.raises(FileExistsError):
        hold_out(*again[0])


def test_what_is_in_the_file_is_done_and_a_missing_environment_is_not(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    ran, missing = (Run("toys", 2.0, 0, method, 2, False) for method in ("probe", "fastai"))
    add(results, ran.row() | {"error": "ended with 1"})
    add(results, missing.row() | {"error": "no environment fastai: make bench-peers"})
    rows = read(results)
    assert ran.done(rows)
    assert not missing.done(rows)
    assert not Run("toys", 2.0, 0, "probe", 1, False).done(rows)


def test_methods_take_turns_and_ours_bears_its_label() -> None:
    options = grammar().parse_args(["d", "r", "--seeds", "0", "--methods", "ours", "probe", "--label", "x"])
    runs = plan(options, ["toys", "signs"], 2)
    assert [(run.method, run.name, run.minutes) for run in runs[:3]] == [
        ("ours-x", "toys", 2.0),
        ("probe", "toys", 2.0),
        ("ours-x", "signs", 2.0),
    ]


def test_a_peer_without_environment_gets_a_row_that_says_so(data: Path, tmp_path: Path) -> None:
    options = grammar().parse_args([str(data), "r", "--peers", str(tmp_path / "none")])
    row = measure(Run("toys", 1.0, 0, "fastai", 1, False), options, tmp_path / "work")
    assert row["error"] == "no environment fastai: make bench-peers"


def test_a_run_that_fails_leaves_its_last_words() -> None:
    program = "import sys; print('half'); sys.exit('the hub is out of reach')"
    code, (out, err), cpu = call([sys.executable, "-c", program], Run("toys", 1.0, 0, "fastai", 1, False))
    assert (code, out) == (1, "half\n")
    assert last_line(err) == "the hub is out of reach"
    assert cpu > 0


def test_a_run_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_accuracy, "GRACE", 0.2)
    code, _, _ = call(
        [sys.executable, "-c", "import time; time.sleep(60)"], Run("toys", 0.0, 0, "probe", 1, False)
    )
    assert code == -9


def test_pictures_come_label_by_label(data: Path, tmp_path: Path) -> None:
    train, _ = bench_accuracy.unpacked(data, Run("toys", 1, 0, "probe", 1, False), tmp_path / "work")
    paths, targets = pictures_of(train, labels_of(train))
    assert targets.tolist() == [0] * 10 + [1] * 10
    assert [load(paths[i], 8).mean() for i in (0, -1)] == [0.0, 255.0]
    assert load(paths[0], 8).shape == (8, 8, 3)


def test_the_largest_side_that_fits_is_chosen() -> None:
    order = parse(["a", "b", "--seconds", "100", "--weights", "w"])
    speed = {224: 10.0, 160: 20.0, 128: 40.0}
    sides = (224, 160, 128)
    assert choose_resolution(order, 1000, speed.__getitem__, share=0.6, sides=sides)[0] == 160
    assert choose_resolution(order, 9000, speed.__getitem__, share=0.6, sides=sides)[0] == 128


def test_epochs_fill_the_time_and_are_never_none() -> None:
    assert [epochs_that_fit(seconds, 10.0, most=5) for seconds in (3.0, 39.0, 900.0)] == [1, 3, 5]


def test_an_adapter_prints_one_line_whatever_its_library_prints() -> None:
    program = (
        "import numpy as np\n"
        "from scripts.peers.common import Answer, serve\n"
        "def fit(order):\n"
        "    print('a progress bar')\n"
        "    return Answer(np.full((1, 2), 0.5), 1.234, {'seed': order.seed})\n"
        "serve(fit)"
    )
    command = [sys.executable, "-c", program, "a", "b", "--seconds", "1", "--weights", "w", "--seed", "7"]
    code, (out, err), _ = call(command, Run("toys", 1.0, 7, "fastai", 1, False))
    assert code == 0
    assert json.loads(out) == {
        "probabilities": np.full((1, 2), 0.5).tolist(),
        "fit_seconds": 1.23,
        "notes": {"seed": 7},
    }
    assert "a progress bar" in err
