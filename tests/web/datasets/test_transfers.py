"""Files that arrive in pieces: what crashes, full disks and parallel requests leave."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO, FileIO
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.web.factories import make_dataset
from webapp.accounts.models import User
from webapp.core.errors import UserError
from webapp.core.tasks import sweep
from webapp.datasets import services, transfers
from webapp.datasets.models import Dataset, Transfer, Upload

TWO_DAYS = 2 * 24 * 3600.0


@pytest.fixture
def dataset(alice: User) -> Dataset:
    return make_dataset(alice)


def start(dataset: Dataset, length: int = 12) -> Transfer:
    return transfers.start_transfer(dataset=dataset, name="pictures.zip", length=length)


def send(transfer: Transfer, offset: int, data: bytes) -> Transfer:
    """A piece, as another process would take it: from the row and the file alone."""
    row = Transfer.objects.get(pk=transfer.pk)
    transfers.receive(row, offset=offset, size=len(data), source=BytesIO(data))
    return row


class Watched:
    """A source that lets a test look in between."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self.parts = parts

    def read(self, size: int, /) -> bytes:
        return next(self.parts, b"")


def test_it_goes_on_after_a_restart(dataset: Dataset, data_dir: Path) -> None:
    transfer = start(dataset)
    send(transfer, 0, b"twelve")
    assert send(transfer, 6, b" bytes").state == Transfer.State.DONE
    upload = Upload.objects.get()
    assert (upload.name, upload.size, upload.transfer) == ("pictures.zip", 12, transfer)
    assert (data_dir / upload.path).read_bytes() == b"twelve bytes"


def test_bytes_that_a_crash_left_unpromised_are_cut_off(dataset: Dataset, data_dir: Path) -> None:
    transfer = start(dataset)
    send(transfer, 0, b"twelve")
    with (data_dir / transfer.path).open("ab") as file:
        file.write(b"written, never committed")
    send(transfer, 6, b" byt")
    assert (data_dir / transfer.path).read_bytes() == b"twelve byt"
    send(transfer, 10, b"es")
    assert (data_dir / transfer.path).read_bytes() == b"twelve bytes"


def test_a_crash_between_write_and_commit_costs_only_that_piece(
    dataset: Dataset, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer = start(dataset)
    send(transfer, 0, b"twelve")
    with monkeypatch.context() as patched:
        patched.setattr(
            services, "add_upload", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("killed"))
        )
        with pytest.raises(RuntimeError):
            send(transfer, 6, b" bytes")
    transfer.refresh_from_db()
    assert (transfer.offset, transfer.state) == (6, Transfer.State.ARRIVING)
    assert not Upload.objects.exists()
    send(transfer, 6, b" bytes")
    assert Upload.objects.count() == 1
    assert (data_dir / transfer.path).read_bytes() == b"twelve bytes"


def test_a_long_piece_is_promised_in_steps(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "COMMIT_EVERY", 4)
    transfer = start(dataset)
    seen: list[int] = []

    def parts() -> Iterator[bytes]:
        for part in (b"twel", b"ve", b" byt", b"es"):
            seen.append(Transfer.objects.get(pk=transfer.pk).offset)
            yield part

    transfers.receive(transfer, offset=0, size=12, source=Watched(parts()))
    assert seen == [0, 4, 4, 10]
    assert transfer.offset == 12


def test_two_requests_at_once_get_one_423(dataset: Dataset) -> None:
    transfer = start(dataset)

    def parts() -> Iterator[bytes]:
        with pytest.raises(UserError) as error:
            send(transfer, 0, b"other bytes")
        assert error.value.status == 423
        yield b"twelve bytes"

    transfers.receive(transfer, offset=0, size=12, source=Watched(parts()))
    assert Upload.objects.count() == 1


def test_cancelled_while_it_arrives_it_stops(dataset: Dataset, data_dir: Path) -> None:
    transfer = start(dataset)

    def parts() -> Iterator[bytes]:
        transfers.cancel_transfer(Transfer.objects.get(pk=transfer.pk))
        yield b"twelve bytes"

    with pytest.raises(UserError) as error:
        transfers.receive(transfer, offset=0, size=12, source=Watched(parts()))
    assert error.value.status == 410
    assert not Upload.objects.exists()
    assert not (data_dir / transfer.path).exists()


def test_a_full_disk_keeps_what_was_promised(
    dataset: Dataset, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer = start(dataset)
    send(transfer, 0, b"twelve")

    def half(file: FileIO, piece: bytes) -> None:
        file.write(piece[:2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(transfers, "write_all", half)
        with pytest.raises(UserError) as error:
            send(transfer, 6, b" bytes")
    assert error.value.status == 507
    assert "disk is full" in error.value.message
    assert (data_dir / transfer.path).read_bytes() == b"twelve"
    send(transfer, 6, b" bytes")
    assert (data_dir / transfer.path).read_bytes() == b"twelve bytes"


def test_what_the_disk_has_no_room_for_is_refused_at_once(
    dataset: Dataset, settings: Settings, data_dir: Path
) -> None:
    settings.UPLOAD_MAX_BYTES = 10**18
    with pytest.raises(UserError) as error:
        start(dataset, length=10**17)
    assert (error.value.status, error.value.code) == (507, "disk_full")
    assert list((data_dir / "uploads").iterdir()) == []


def test_a_file_that_was_lost_is_sent_again_from_its_beginning(dataset: Dataset, data_dir: Path) -> None:
    transfer = start(dataset)
    send(transfer, 0, b"twelve")
    (data_dir / transfer.path).write_bytes(b"twe")
    with pytest.raises(UserError) as error:
        send(transfer, 6, b" bytes")
    assert error.value.status == 410
    (data_dir / transfer.path).unlink()
    with pytest.raises(UserError) as error:
        send(transfer, 6, b" bytes")
    assert error.value.status == 410


def test_the_sweep_frees_what_stopped_for_a_day(dataset: Dataset, data_dir: Path) -> None:
    stopped, going = start(dataset), start(dataset)
    Transfer.objects.filter(pk=stopped.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    past = timezone.now().timestamp() - TWO_DAYS
    os.utime(data_dir / going.path, (past, past))  # clocks differ: the row says that it may go on
    sweep()
    stopped.refresh_from_db()
    assert stopped.state == Transfer.State.EXPIRED
    assert [path.name for path in (data_dir / "uploads").iterdir()] == [Path(going.path).name]


def test_the_sweep_forgets_what_has_long_been_over(dataset: Dataset) -> None:
    fresh, old = start(dataset, 1), start(dataset, 1)
    send(fresh, 0, b"x")
    Transfer.objects.filter(pk=old.pk).update(
        state=Transfer.State.EXPIRED, expires_at=timezone.now() - timedelta(days=8)
    )
    sweep()
    assert list(Transfer.objects.all()) == [fresh]


def test_unfinished_ones_are_found_by_their_owner_only(dataset: Dataset, alice: User, charlie: User) -> None:
    transfer, done = start(dataset), start(dataset, 1)
    send(done, 0, b"x")
    assert list(transfers.unfinished(alice)) == [transfer]
    assert list(transfers.unfinished(alice, make_dataset(alice))) == []
    assert list(transfers.unfinished(charlie)) == []


@pytest.mark.django_db(transaction=True)
def test_a_data_set_takes_its_transfers_with_it(alice: User, data_dir: Path) -> None:
    dataset = make_dataset(alice)
    send(start(dataset), 0, b"twelve")
    services.delete_dataset(dataset=dataset)
    assert list((data_dir / "uploads").iterdir()) == []
