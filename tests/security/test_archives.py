"""Uploads that were made to do harm: a sentence, quickly, with little memory, and nothing left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from search_engine.data.limits import Limits
from search_engine.data.scan import Found, Rejected, scan
from search_engine.errors import ArchiveError
from tests.engine.data.drawing import make_zip
from tests.security.hostile import ACCEPTED, OK, REFUSED, REJECTED, write_all

SECONDS = 2.0  # of the processor: other tests may run beside this one
MEGABYTES = 100
MEASURE = """
import json, re, sys, time
from pathlib import Path
from search_engine.data.decoders import Decoders
from search_engine.data.scan import scan, open_scan
from search_engine.errors import ArchiveError

def peak():
    # Not getrusage: what that gives begins with the peak of the process that started us.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

decoders = Decoders(1)
with open_scan(Path(sys.argv[1]), decoders=decoders) as opened:
    list(opened)
figures = {}
for name in sys.argv[2:]:
    before, started = peak(), time.process_time()
    try:
        with open_scan(Path(name), decoders=decoders) as opened:
            for _ in opened: pass
    except ArchiveError:
        pass
    figures[Path(name).name] = [time.process_time() - started, peak() - before]
decoders.close()
print(json.dumps(figures))
"""


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_a_sentence(tmp_path: Path, name: str) -> None:
    path = tmp_path / "upload"
    path.write_bytes(REFUSED[name]())
    with pytest.raises(ArchiveError) as error:
        list(scan(path))
    assert str(error.value).endswith(".")
    assert len(str(error.value)) < 500
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", REJECTED)
def test_it_is_rejected_and_the_good_pictures_are_used(tmp_path: Path, name: str) -> None:
    path = tmp_path / "upload"
    path.write_bytes(REJECTED[name]())
    results = list(scan(path))
    assert [result.name for result in results if isinstance(result, Found)] == list(OK)
    (bad,) = (result for result in results if isinstance(result, Rejected))
    assert bad.reason.endswith(".")
    assert len(bad.name) <= 1000
    assert bad.name.isprintable()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_picture_with_something_behind_it_is_that_picture(tmp_path: Path, name: str) -> None:
    """It is kept byte for byte, shown as a thumbnail of our own, and sent as nothing but an attachment."""
    data = ACCEPTED[name]()
    (alone,) = scan(_written(tmp_path / "alone", data))
    (inside,) = scan(make_zip(tmp_path / "a.zip", {"cats/x.jpg": data}))
    for found in (alone, inside):
        assert isinstance(found, Found)
        assert (found.data, found.format) == (data, "GIF" if data.startswith(b"GIF") else "JPEG")
        assert (found.width, found.height) == (24, 16)


def test_it_takes_little_time_and_memory(tmp_path: Path) -> None:
    good = make_zip(tmp_path / "good.zip", OK)
    paths = write_all(tmp_path)
    command = [sys.executable, "-c", MEASURE, str(good), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, list[float]] = json.loads(done.stdout)
    assert len(figures) == len(REFUSED | REJECTED)
    assert {name: taken for name, (taken, _) in figures.items() if taken > SECONDS} == {}
    assert sum(grown for _, grown in figures.values()) < MEGABYTES, figures


def test_lists_are_bounded_too(tmp_path: Path) -> None:
    files = OK | {"labels.json": b"[" * 3_000_000, "more.csv": b"filename,label\n" + b"0.png,x\n" * 50}
    results = list(scan(make_zip(tmp_path / "a.zip", files), limits=Limits(max_files=20)))
    assert [result.name for result in results if isinstance(result, Found)] == list(OK)


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
