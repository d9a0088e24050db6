"""Sends a large made-up file to a running Netwright by tus, cuts the connection many times, and compares.

    python -m scripts.cut_upload http://127.0.0.1:8000 DATASET --token TOKEN --gigabytes 2 --cuts 30 \
        --data-dir data --watch PID --watch PID

Half of the cuts are clean ends, half are resets. The file is not stored here: each block of it is made from
its number. Before the last byte, the server's part file is read and its SHA-256 compared; then the byte is
sent, and the import says that this is no archive.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import random
import socket
import struct
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

BLOCK = 1024 * 1024
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing sends a reset


def block(number: int) -> bytes:
    return random.Random(number).randbytes(BLOCK)  # noqa: S311 - no secret


def content(start: int, end: int) -> Iterator[bytes]:
    """The bytes of the file from start to end."""
    while start < end:
        number, within = divmod(start, BLOCK)
        piece = block(number)[within : within + end - start]
        start += len(piece)
        yield piece


class Sender:
    """A tus client that can be cut."""

    def __init__(self, site: str, token: str, pids: list[int]) -> None:
        self.host = urlsplit(site).netloc
        self.headers = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {token}"}
        self.pids = pids
        self.peak = dict.fromkeys(pids, 0)

    def ask(self, method: str, path: str, **headers: str) -> dict[str, str]:
        connection = HTTPConnection(self.host, timeout=60)
        connection.request(method, path, headers={**self.headers, **headers})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {body.decode()}")
        return dict(answer.getheaders())

    def announce(self, dataset: int, size: int) -> str:
        facts = {"dataset": str(dataset), "filename": "cut.zip"}
        metadata = ",".join(
            f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in facts.items()
        )
        made = self.ask(
            "POST", "/api/v1/uploads", **{"Upload-Length": str(size), "Upload-Metadata": metadata}
        )
        return made["Location"]

    def offset(self, path: str) -> int:
        return int(self.ask("HEAD", path)["Upload-Offset"])

    def send(self, path: str, start: int, end: int, *, said: int, reset: bool = False) -> None:
        """A PATCH of ``said`` bytes that is cut before ``end``, unless that is all of it."""
        connection = HTTPConnection(self.host, timeout=60)
        connection.putrequest("PATCH", path)
        given = {
            "Upload-Offset": start,
            "Content-Length": said,
            "Content-Type": "application/offset+octet-stream",
        }
        for name, value in {**self.headers, **given}.items():
            connection.putheader(name, str(value))
        connection.endheaders()
        for piece in content(start, end):
            connection.send(piece)
            self.watch()
        if end - start == said:
            answer = connection.getresponse()
            answer.read()
            if answer.status != 204:
                raise HTTPException(f"PATCH at {start}: {answer.status}")
        elif reset and connection.sock:
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        connection.close()

    def watch(self) -> None:
        """Note how much memory the watched processes have."""
        for pid in self.pids:
            status = Path(f"/proc/{pid}/status").read_text()
            kilobytes = int(status.partition("VmRSS:")[2].split()[0])
            self.peak[pid] = max(self.peak[pid], kilobytes)


def settled(sender: Sender, path: str) -> int:
    """The offset once the server has noticed that we hung up and has put its bytes away."""
    offset = sender.offset(path)
    while True:
        time.sleep(0.2)
        now = sender.offset(path)
        if now == offset:
            return now
        offset = now


def same_on_disk(data_dir: Path, size: int) -> bool:
    """Whether the part file there has the bytes that we sent."""
    ours, theirs = hashlib.sha256(), hashlib.sha256()
    for piece in content(0, size):
        ours.update(piece)
    newest = max((data_dir / "uploads").iterdir(), key=lambda path: path.stat().st_mtime)
    with newest.open("rb") as file:
        while piece := file.read(BLOCK):
            theirs.update(piece)
    return ours.digest() == theirs.digest()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("site", help="address of a running site")
    parser.add_argument("dataset", type=int, help="id of a data set to send it to")
    parser.add_argument("--token", required=True, help="an API token")
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--cuts", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-dir", type=Path, help="the site's DATA_DIR, to compare what arrived")
    parser.add_argument(
        "--watch", type=int, action="append", default=[], help="a process whose memory is noted"
    )
    options = parser.parse_args()
    size = int(options.gigabytes * 1024**3)
    rng = random.Random(options.seed)  # noqa: S311 - no secret
    sender = Sender(options.site, options.token, options.watch)
    sender.watch()
    before = dict(sender.peak)
    began = time.monotonic()
    path = sender.announce(options.dataset, size)
    lost = 0
    for number, cut in enumerate(sorted(rng.sample(range(1, size - 1), options.cuts))):
        start = settled(sender, path)
        if start < cut:
            sender.send(path, start, cut, said=size - start, reset=number % 2 == 1)
            lost += cut - settled(sender, path)
    start = settled(sender, path)
    sender.send(path, start, size - 1, said=size - 1 - start)
    seconds = time.monotonic() - began
    same = same_on_disk(options.data_dir, size - 1) if options.data_dir else None
    sender.send(path, size - 1, size, said=1)
    memory = ", ".join(
        f"{before[pid] / 1024:.0f} to {sender.peak[pid] / 1024:.0f} MB" for pid in options.watch
    )
    sys.stdout.write(
        f"{size:,} bytes, {options.cuts} cuts: {seconds:.1f} s ({size / seconds / 1e6:.0f} MB/s), "
        f"{lost / 1e6:.1f} MB sent twice, the same bytes: {same}, memory: {memory}\n"
    )


if __name__ == "__main__":
    main()
