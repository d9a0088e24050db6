"""A small task of two independent labels: whether there is a circle, and whether the picture is dark."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from search_engine.data.gather import Gathered

SIDE = 48
CIRCLE, DARK, NOISY = "circle", "dark", "noisy"


def draw(labels: tuple[str, ...], seed: int) -> Image.Image:
    """A circle or a square on a ground that is dark or bright; every picture is noisy."""
    rng = random.Random(seed)
    ground = 50 if DARK in labels else 190
    noise = np.random.default_rng(seed).integers(-40, 40, (SIDE, SIDE, 3))
    image = Image.fromarray((ground + noise).clip(0, 255).astype(np.uint8))
    x, y, r = rng.uniform(16, 32), rng.uniform(16, 32), rng.uniform(9, 15)
    colour = tuple(rng.randint(90, 150) for _ in range(3))
    pen = ImageDraw.Draw(image)
    (pen.ellipse if CIRCLE in labels else pen.rectangle)((x - r, y - r, x + r, y + r), fill=colour)
    return image


def gathered(folder: Path, *, each: int, first: int = 0) -> Gathered:
    """So many pictures of each of the four cases; the third label is on all but those of the last case."""
    cases = ((CIRCLE, DARK, NOISY), (CIRCLE, NOISY), (DARK, NOISY), (NOISY,))
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    for number in range(first, first + each):
        for case, labels in enumerate(cases):
            name = f"{number:03d}-{case}.png"
            draw(labels, 10 * number + case).save(folder / name)
            pictures.append((name, labels, name))
    return Gathered(tuple(pictures), ())
