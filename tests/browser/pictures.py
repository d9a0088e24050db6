"""Real pictures for the journey: handwritten digits, which scikit-learn ships, as people would zip them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

LABELS = ("zero", "one", "two", "три", "τέσσερα")  # names in any script
A_LABEL = 60  # pictures
SIDE = 64  # pixels
HELD_BACK = 20  # pictures of each label that never go into the zip

SYSTEM_FILES = ("__MACOSX/._digits", "digits/.DS_Store", "digits/zero/Thumbs.db")
REJECTED = ("digits/one/notes.txt", "digits/two/cut.jpg")


def picture(digit: int, number: int) -> Image.Image:
    """The so-many-th picture of a digit, dark on light as on paper."""
    data = load_digits()
    strokes = data.images[np.flatnonzero(data.target == digit)[number]]
    grey = Image.fromarray((255 - strokes * (255 / 16)).astype(np.uint8))
    return grey.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def held_back(digit: int, number: int = 0) -> bytes:
    """A PNG that no network has been trained on."""
    assert number < HELD_BACK
    return encoded(picture(digit, A_LABEL + number), "PNG")


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def digits_zip(path: Path) -> Path:
    """Class folders one folder deep, two formats, what systems leave behind, and two files of no use."""
    files = dict.fromkeys(SYSTEM_FILES, b"\0\5\x16\7")
    for digit, label in enumerate(LABELS):
        for number in range(A_LABEL):
            kind, ending = ("JPEG", ".JPG") if number % 3 == 0 else ("PNG", ".png")
            files[f"digits/{label}/{number:03d}{ending}"] = encoded(picture(digit, number), kind)
    notes, cut = REJECTED
    files[notes] = b"Ask Ada for more of these."
    files[cut] = encoded(picture(2, A_LABEL), "JPEG")[:400]
    return write_zip(path, files)
