"""Bytes to pixels: the one way a picture is decoded, at import, in training, on the site and in a bundle.

This file needs only Pillow and numpy, and imports nothing of its package, because its text goes into the
``infer.py`` of every bundle: what a model saw while it learned is what it sees when it answers.
"""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
from PIL import Image, UnidentifiedImageError, features

MAX_PIXELS = 50_000_000  # an RGB picture of this size takes 150 MB once decoded
MAX_SIDE = 2048  # networks see far less; bounds the memory of whatever works on the pixels

# Pillow reads some forty formats, rarely used and rarely reviewed; only these are let near it.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM") + (("AVIF",) if features.check("avif") else ())

ORIENTATIONS = {  # EXIF 2.32, tag 0x0112: how to turn the stored pixels upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What broken files make Pillow raise, besides its own UnidentifiedImageError (an OSError).
BROKEN = (
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    IndexError,
    KeyError,
    EOFError,
    OverflowError,
    struct.error,
)
BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)

# First bytes of things that people take for pictures: (offset, bytes, what it is, what to do).
LOOKALIKES = (
    (4, b"ftypheic", "a HEIC photo, as iPhones take them", "Save it as JPEG and add it again."),
    (4, b"ftypheix", "a HEIC photo, as iPhones take them", "Save it as JPEG and add it again."),
    (4, b"ftypmif1", "a HEIC photo, as iPhones take them", "Save it as JPEG and add it again."),
    (4, b"ftypavif", "an AVIF picture", "Save it as JPEG or PNG and add it again."),
    (4, b"ftyp", "a video", "Take single pictures out of it and add these."),
    (0, b"\x1aE\xdf\xa3", "a video", "Take single pictures out of it and add these."),
    (0, b"%PDF", "a PDF document", "Save its pictures as JPEG or PNG and add these."),
    (0, b"8BPS", "a Photoshop file", "Save it as JPEG or PNG and add it again."),
    (0, b"%!PS", "a PostScript drawing", "Save it as JPEG or PNG and add it again."),
    (0, b"PK\x03\x04", "a zip archive or an office document", "Unpack it and add the pictures inside."),
    (0, b"Rar!", "a RAR archive", "Unpack it and add the pictures inside."),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it and add the pictures inside."),
    (0, b"\x1f\x8b", "a compressed archive", "Unpack it and add the pictures inside."),
    (0, b"\x00\x00\x01\x00", "an icon", "Save it as PNG and add it again."),
    (0, b"SIMPLE  =", "a FITS file", "Save it as PNG or TIFF and add it again."),
)
STARTS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG": "PNG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
CUT_OFF = "The picture is cut off: only part of the file arrived. Copy it again and add it again."


class PictureError(ValueError):
    """A file that cannot be used as a picture; the text says what is wrong and what to do.

    Attributes:
        code: ``empty``, ``truncated``, ``damaged``, ``not_a_picture``, ``format`` or ``too_many_pixels``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def decode_image(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The whole picture in a file's bytes, upright, in RGB.

    Of an animation the first frame is taken. Transparent areas show white, 16-bit greys are scaled to
    8 bits, CMYK is converted. Every pixel is decoded, so a file that is cut off does not pass.
    ``format`` of the result is one of ``FORMATS``.

    Args:
        data: the file.
        max_pixels: larger pictures are refused before anything is decoded.

    Raises:
        PictureError: the file is no picture, is damaged, or is too large.
    """
    return _finish(_open(data, max_pixels))


def to_pixels(data: bytes, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The pixels that a network is given: ``decode_image``, no side longer than ``MAX_SIDE``.

    Larger pictures are shrunk by a whole factor, a JPEG already while it is decoded (its blocks can be
    decoded at half size, a quarter, an eighth), which is faster and keeps memory low.

    Returns:
        uint8 array of shape (height, width, 3).

    Raises:
        PictureError: as ``decode_image``.
    """
    image = _open(data, max_pixels)
    factor = _shrink_factor(image.size)
    if factor > 1:
        image.draft(None, (max(1, image.width // factor), max(1, image.height // factor)))
    upright = _finish(image)
    factor = _shrink_factor(upright.size)
    return np.array(upright.reduce(factor) if factor > 1 else upright)


def _shrink_factor(size: tuple[int, int]) -> int:
    return -(-max(size) // MAX_SIDE)


def _open(data: bytes, max_pixels: int) -> Image.Image:
    """Read the header only; refuse what must not be decoded."""
    if not data:
        raise PictureError("empty", "The file is empty. Copy the picture again and add it again.")
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
    except BOMB as error:
        raise _too_many_pixels(max_pixels) from error
    except UnidentifiedImageError as error:
        raise _unidentified(data) from error
    except BROKEN as error:
        raise _broken(error) from error
    if image.width * image.height > max_pixels:
        raise _too_many_pixels(max_pixels, image.size)
    return image


def _finish(image: Image.Image) -> Image.Image:
    """Decode, turn upright, convert to RGB."""
    source = {"MPO": "JPEG"}.get(image.format or "", image.format)  # phones add a second frame to a JPEG
    try:
        image.load()
        turn = ORIENTATIONS.get(_orientation(image))
        upright = _to_rgb(image)
        upright = upright.transpose(turn) if turn is not None else upright
    except BOMB as error:
        raise PictureError("too_many_pixels", "The picture has too many pixels. Make it smaller.") from error
    except BROKEN as error:
        raise _broken(error) from error
    upright.format = source
    return upright


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except BROKEN:
        return 1  # notes of the camera that cannot be read are no reason to lose the picture


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(_to_8_bits(np.asarray(image))).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        clear = image.convert("RGBA")
        white = Image.new("RGB", clear.size, "white")
        white.paste(clear, mask=clear.getchannel("A"))
        return white
    return image.convert("RGB")


def _to_8_bits(values: np.ndarray) -> np.ndarray:
    """Scale greys of more than 8 bits; Pillow's own conversion cuts everything above 255 to white."""
    if values.dtype.kind == "u":  # 16 bits, of either byte order
        return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    numbers = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = min(0.0, float(numbers.min())), float(numbers.max())
    if low < 0 or high > 65535:  # no common scale: show what is there
        top = high - low
        numbers = numbers - low
    elif values.dtype.kind == "f" and high <= 1:
        top = 1.0
    else:
        top = 255.0 if high <= 255 else 65535.0
    scaled: np.ndarray = np.rint(numbers * (255 / (top or 1.0))).astype(np.uint8)
    return scaled


def _broken(error: Exception) -> PictureError:
    text = str(error).lower()
    if "truncat" in text or "unexpected end" in text or isinstance(error, EOFError):
        return PictureError("truncated", CUT_OFF)
    return PictureError("damaged", "The picture is damaged. Save or export it again and add it again.")


def _too_many_pixels(max_pixels: int, size: tuple[int, int] | None = None) -> PictureError:
    has = f"has {size[0]:,} x {size[1]:,} pixels" if size else "has far too many pixels"
    return PictureError(
        "too_many_pixels",
        f"The picture {has}; the limit is {max_pixels // 1_000_000} million. Make it smaller.",
    )


def _unidentified(data: bytes) -> PictureError:
    """Say what the file looks like instead."""
    known = next((name for start, name in STARTS.items() if data.startswith(start)), None)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        known = "WEBP"
    if known in ENDS and not data.rstrip(b"\0").endswith(ENDS[known]):
        return PictureError("truncated", CUT_OFF)
    if known:
        return PictureError(
            "damaged", f"The {known} picture is damaged or cut off. Copy it again and add it again."
        )
    for offset, start, what, advice in LOOKALIKES:
        if data[offset : offset + len(start)] == start:
            return PictureError("format", f"This is {what}, which cannot be used. {advice}")
    if not (head := _text(data)):
        return PictureError(
            "not_a_picture", "This is not a picture that can be read. Use JPEG, PNG, WebP, TIFF, BMP or GIF."
        )
    if "<svg" in head:
        return PictureError(
            "format", "This is an SVG drawing, which cannot be used. Save it as PNG and add it again."
        )
    what = "a web page" if "<html" in head or "<!doctype" in head else "text"
    return PictureError(
        "not_a_picture", f"This is {what}, not a picture. Get the picture itself and add it again."
    )


def _text(data: bytes) -> str:
    """The beginning in lower case if it is readable text, else an empty string."""
    head = data[:1000].decode("utf-8", errors="replace").rstrip("\ufffd").lstrip("\ufeff")
    readable = all(letter.isprintable() or letter in "\t\r\n" for letter in head)
    return head.lower() if readable and "\ufffd" not in head else ""
