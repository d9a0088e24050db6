"""A data set for people who have none at hand: the handwritten digits that scikit-learn ships."""

from __future__ import annotations

import secrets
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

NAME = "Handwritten digits"
FILE_NAME = "handwritten-digits.zip"
SIDE = 32  # pixels; the originals have 8, too few to look at


def write_sample(path: Path) -> None:
    """Write a zip of 1,797 pictures in the folders ``0`` to ``9``, in one step."""
    from sklearn.datasets import load_digits  # heavy, and only the worker that makes a sample needs it

    digits = load_digits()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with zipfile.ZipFile(new, "w", zipfile.ZIP_STORED) as archive:
            for number, (pixels, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
                archive.writestr(f"{digit}/{number:04d}.png", picture(pixels))
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def picture(pixels: np.ndarray) -> bytes:
    """A digit (8 x 8 greys, 0 to 16) as a PNG of 32 x 32 pixels."""
    grey = Image.fromarray(np.rint(pixels * (255 / 16)).astype(np.uint8))
    file = BytesIO()
    grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(file, "PNG")
    return file.getvalue()
