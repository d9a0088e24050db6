"""A small task that a trunk can solve: coloured shapes on noise, one folder a shape."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SHAPES = ("circle", "square", "triangle")
SIDE = 48


def draw_shape(shape: str, rng: random.Random) -> Image.Image:
    """A shape of random place, size and colour on a noisy ground."""
    noise = np.random.default_rng(rng.getrandbits(32)).integers(0, 90, (SIDE, SIDE, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    x, y, r = rng.uniform(16, 32), rng.uniform(16, 32), rng.uniform(9, 15)
    colour = tuple(rng.randint(120, 255) for _ in range(3))
    pen = ImageDraw.Draw(image)
    if shape == "circle":
        pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    elif shape == "square":
        pen.rectangle((x - r, y - r, x + r, y + r), fill=colour)
    else:
        pen.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=colour)
    return image


def write_shapes(folder: Path, *, each: int, seed: int = 0) -> Path:
    """A folder of class folders with ``each`` pictures a shape."""
    rng = random.Random(seed)
    for shape in SHAPES:
        (folder / shape).mkdir(parents=True)
        for index in range(each):
            draw_shape(shape, rng).save(folder / shape / f"{index:03d}.png")
    return folder
