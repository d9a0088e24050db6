"""Decoding children: what a picture does to its decoder costs that picture, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from search_engine.data.decoders import Child, Decoders, shared_decoders
from search_engine.data.examine import examine
from search_engine.data.limits import Limits
from search_engine.data.refusals import Reason, RefusedError
from search_engine.data.scan import Found, Rejected, open_scan
from tests.engine.data.drawing import encoded, make_zip, noise, picture

LIMITS = Limits()
# A child whose decoder does what the first bytes of the "picture" say.
BAD = """
import os, signal, sys, time
from search_engine.data import decoding
decoding.CPU_SECONDS = 1
real = decoding.examine
def examine(data, limits, with_thumbnail):
    if data.startswith(b"crash"):
        os.kill(os.getpid(), signal.SIGSEGV)
    while data.startswith(b"spin"):
        pass
    if data.startswith(b"hang"):
        os.kill(os.getpid(), signal.SIGSTOP)
    if data.startswith(b"grow"):
        bytearray(3 * 1024**3)
    assert "SECRET_KEY" not in os.environ
    if data.startswith(b"talk"):
        print("a library says something", flush=True)
        data = data[4:]
    return real(data, limits, with_thumbnail=with_thumbnail)
decoding.examine = examine
decoding.main()
"""
COMMAND = (sys.executable, "-c", BAD)


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    child = Child(COMMAND, wall_seconds=20)
    yield child
    child.stop()


def code(child: Child, data: bytes) -> Reason:
    with pytest.raises(RefusedError) as error:
        child.examine(data, LIMITS)
    assert str(error.value).endswith(".")
    return error.value.code


def test_a_child_finds_what_we_would_find_ourselves(child: Child) -> None:
    data = encoded(noise(1, (600, 300)), "JPEG")
    ours = examine(data, LIMITS, with_thumbnail=True)
    theirs = child.examine(data, LIMITS)
    assert (theirs.format, theirs.width, theirs.height) == ("JPEG", 600, 300)
    assert theirs.thumbnail == ours.thumbnail


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"<html>", Reason.NOT_A_PICTURE),
        (picture(size=(3, 3)), Reason.TOO_SMALL),
        (encoded(Image.new("1", (10_000, 10_000))), Reason.TOO_MANY_PIXELS),
        (b"crash", Reason.DAMAGED),
        (b"spin", Reason.TOO_SLOW),
        (b"grow", Reason.TOO_LARGE),
    ],
    ids=["empty", "page", "small", "100 megapixels", "crash", "spin", "grow"],
)
def test_a_bad_picture_is_refused_and_the_next_one_is_decoded(
    child: Child, data: bytes, reason: Reason
) -> None:
    assert code(child, data) == reason
    assert child.examine(picture(2), LIMITS).width == 24


def test_a_child_that_hangs_is_given_up() -> None:
    child = Child(COMMAND, wall_seconds=1)
    child.examine(picture(), LIMITS)
    try:
        assert code(child, b"hang") == Reason.TOO_SLOW
        assert child.process is None
    finally:
        child.stop()


def test_a_child_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "open sesame")
    child = Child(COMMAND)
    try:
        assert child.examine(picture(), LIMITS).format == "PNG"
    finally:
        child.stop()


def test_what_a_library_prints_is_not_taken_for_an_answer(child: Child) -> None:
    assert child.examine(b"talk" + picture(3), LIMITS).format == "PNG"


def test_a_child_that_has_ended_of_idleness_is_started_again(child: Child) -> None:
    child.examine(picture(), LIMITS)
    assert child.process
    child.process.kill()
    child.process.wait()
    assert child.examine(picture(), LIMITS).format == "PNG"


def test_a_child_ends_when_its_parent_is_gone() -> None:
    child = Child()
    child.examine(picture(), LIMITS)
    assert child.process
    assert child.process.stdin
    child.process.stdin.close()
    assert child.process.wait(20) == 0
    child.stop()


def test_an_import_goes_on_in_order_after_a_crash(tmp_path: Path) -> None:
    files = {f"cats/{i}.png": picture(i) for i in range(12)}
    files["cats/3.png"] = b"crash"
    decoders = Decoders(2, COMMAND)
    try:
        with open_scan(make_zip(tmp_path / "a.zip", files), decoders=decoders) as opened:
            results = list(opened)
    finally:
        decoders.close()
    assert [result.name for result in results] == list(files)
    assert [result.name for result in results if isinstance(result, Rejected)] == ["cats/3.png"]
    assert all(result.thumbnail for result in results if isinstance(result, Found))


def test_whoever_stops_early_leaves_nothing_waiting(tmp_path: Path) -> None:
    files = {f"cats/{i}.png": picture(i) for i in range(12)}
    decoders = Decoders(1, COMMAND)
    with open_scan(make_zip(tmp_path / "a.zip", files), decoders=decoders) as opened:
        assert next(iter(opened)).name == "cats/0.png"
    decoders.close()


def test_the_children_of_a_process_are_kept() -> None:
    assert shared_decoders(1) is shared_decoders(1)
