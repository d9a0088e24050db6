"""Uploads that nobody makes by accident."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.engine.data.drawing import encoded, noise, picture
from tests.engine.data.tars import header

MIB = 1024**2
OK = {f"{label}/{i}.png": picture(i) for label in ("cats", "dogs") for i in range(2)}
PIXEL_BOMB = struct.pack("!II5B", 60_000, 60_000, 1, 0, 0, 0, 0)


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in (OK | files).items():
            archive.writestr(name, data)
    return file.getvalue()


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks, their checksums right."""
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in chunks:
        data += struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))
    return data


def raw_zip(entries: bytes, count: int) -> bytes:
    """A zip that is nothing but a directory, with the 64-bit end that so many entries need."""
    end = struct.pack("<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(entries), 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(entries), 1)
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(entries) & 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return entries + end + locator + tail


def entry(
    name: bytes, *, packed: int = 0, size: int = 0, offset: int = 0, method: int = 0, flags: int = 0
) -> bytes:
    return (
        struct.pack(
            "<4s4B4HL2L5H2L",
            b"PK\1\2", 20, 3, 20, 0, flags, method, 0, 0, 0, packed, size, len(name), 0, 0, 0, 0, 0, offset,
        )
        + name
    )  # fmt: skip


def overlap_bomb() -> bytes:
    """A hundred entries that share the bytes of one member (CVE-2024-0450)."""
    body = zlib.compress(bytes(MIB))[2:-4]
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(body), MIB, 1, 0) + b"a" + body
    names = (b"cats/%d.bmp" % i for i in range(100))
    directory = b"".join(entry(name, packed=len(body), size=MIB, method=8) for name in names)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 100, 100, len(directory), len(local), 0)
    return local + directory + end


def patched(name: str, data: bytes, *, method: int | None = None, flags: int = 0) -> bytes:
    """A zip whose last member says that it is packed in some other way."""
    whole = bytearray(zipped({name: data}, zipfile.ZIP_STORED))
    at = whole.rindex(b"PK\1\2")
    if method is not None:
        whole[at + 10 : at + 12] = struct.pack("<H", method)
    whole[at + 8 : at + 10] = struct.pack("<H", flags)
    return bytes(whole)


def tar_gz(*members: bytes, end: bool = True) -> bytes:
    """gzip allows streams one after another, which makes large bombs quick to build."""
    return b"".join(gzip.compress(member, 6) for member in members) + (
        gzip.compress(bytes(1024)) if end else b""
    )


def zeros_tar() -> bytes:
    """Two gigabytes of zeros in two megabytes."""
    size = 2048 * MIB
    return gzip.compress(header(b"cats/1.bmp", size)) + gzip.compress(bytes(16 * MIB)) * 128


REFUSED: dict[str, Callable[[], bytes]] = {
    "overlapping entries": overlap_bomb,
    "a million empty members": lambda: raw_zip(entry(b"a/b.png") * 1_000_000, 1_000_000),
    "an endless directory": lambda: raw_zip(entry(b"x" * 60_000) * 1200, 1200),
    "a locked zip": lambda: patched("cats/x.png", picture(9), flags=1),
    "zeros in a tar.gz": zeros_tar,
    "a million members in a tar.gz": lambda: gzip.compress(header(b"a/b.png", 0) * 4000) * 250,
    "a long name in a tar.gz": lambda: (
        tar_gz(header(b"x", 900 * MIB, b"x")) + gzip.compress(bytes(16 * MIB)) * 60
    ),
    "zeros in an xz": lambda: (
        lzma.compress(header(b"a/b.bmp", 300 * MIB)) + lzma.compress(bytes(16 * MIB)) * 19
    ),
    "a tar with a size below zero": lambda: header(b"a/b.png", -1) + bytes(1024),
}
REJECTED: dict[str, Callable[[], bytes]] = {
    "a bomb": lambda: zipped({"cats/bomb.bmp": bytes(60 * MIB)}),
    "zips in zips": lambda: zipped(
        {"cats/in.zip": zipped({"cats/in.zip": zipped({"a/b.bmp": bytes(9 * MIB)})})}
    ),
    "a zip called .jpg": lambda: zipped({"cats/in.jpg": zipped({})}),
    "an unknown packing": lambda: patched("cats/x.png", picture(9), method=99),
    "an encrypted tar": lambda: zipped({"cats/x.png": gzip.compress(picture(9))}),
    "a picture of 3,600 megapixels": lambda: zipped(
        {"cats/x.png": png((b"IHDR", PIXEL_BOMB), (b"IDAT", b""))}
    ),
    "a picture of 100 megapixels": lambda: zipped({"cats/x.png": encoded(Image.new("1", (10_000, 10_000)))}),
    "a picture of one pixel": lambda: zipped({"cats/x.png": picture(size=(1, 1))}),
    "a note that unpacks to 60 MB": lambda: zipped(
        {
            "cats/x.png": png(
                (b"IHDR", struct.pack("!II5B", 20, 20, 8, 0, 0, 0, 0)),
                (b"zTXt", b"note\0\0" + zlib.compress(bytes(60 * MIB))),
                (b"IDAT", zlib.compress(bytes(21 * 20))),
                (b"IEND", b""),
            )
        }
    ),
    "SVG": lambda: zipped(
        {"cats/x.jpg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'}
    ),
    "HTML": lambda: zipped({"cats/x.jpg": b"<!doctype html><script>alert(1)</script>"}),
    "PostScript": lambda: zipped({"cats/x.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n(%pipe%id) run"}),
    "Photoshop": lambda: zipped({"cats/x.jpg": b"8BPS\0\1" + bytes(40)}),
    "a name that leads out": lambda: zipped({"cats/../../evil.png": picture(9)}),
    "a name from the root": lambda: zipped({"/tmp/evil.png": picture(9)}),
    "a UNC name": lambda: zipped({"\\\\host\\share\\evil.png": picture(9)}),
    "a drive": lambda: zipped({"C:evil.png": picture(9)}),
    "a name of 10,000 letters": lambda: zipped({f"cats/{'x' * 10_000}.png": picture(9)}),
    "a name of two lines": lambda: zipped({"cats/two\nlines.png": picture(9)}),
    "a name with colours": lambda: zipped({"cats/\x1b[31mred\x1b[0m.png": picture(9)}),
    "a name that turns the text around": lambda: zipped({"cats/\u202egnp.exe": picture(9)}),
}
ACCEPTED: dict[str, Callable[[], bytes]] = {
    "a JPEG with a zip behind it": lambda: encoded(noise(5), "JPEG") + zipped({}),
    "a JPEG with a page behind it": lambda: (
        encoded(noise(6), "JPEG") + b"<html><script>alert(1)</script></html>"
    ),
    "a GIF of a page": lambda: encoded(noise(7), "GIF", comment=b"<script>alert(1)</script>"),
    "an animation of 2,000 frames": lambda: encoded(
        noise(8), "GIF", save_all=True, append_images=[noise(i % 2, (2, 2)) for i in range(2000)]
    ),
}


def write_all(folder: Path) -> list[Path]:
    """Every upload that is refused as a whole or in part, as a file; names say what it is."""
    paths = []
    for name, make in (REFUSED | REJECTED).items():
        paths.append(folder / name.replace(" ", "-").replace(",", ""))
        paths[-1].write_bytes(make())
    return paths
