"""Scenes drawn by code, rich enough to be told apart, and what happens to pictures in the world."""

from __future__ import annotations

import random
from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter


def scene(seed: int, size: tuple[int, int] = (120, 90)) -> Image.Image:
    """A coloured field with many shapes; another seed gives an altogether different one."""
    rng = random.Random(f"scene {seed}")
    image = Image.new("RGB", size, color(rng, 90, 200))
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        x, y = rng.randrange(size[0]), rng.randrange(size[1])
        box = (x, y, x + rng.randrange(10, size[0] // 2), y + rng.randrange(10, size[1] // 2))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape(box, fill=color(rng, 30, 225))
    return image


def color(rng: random.Random, low: int, high: int) -> tuple[int, int, int]:
    return rng.randrange(low, high), rng.randrange(low, high), rng.randrange(low, high)


def saved(image: Image.Image, kind: str = "JPEG", **options: int) -> Image.Image:
    """As it is once it was a file."""
    file = BytesIO()
    image.save(file, kind, **options)
    return Image.open(BytesIO(file.getvalue())).convert("RGB")


def cropped(image: Image.Image, share: float) -> Image.Image:
    width, height = image.size
    x, y = round(width * share), round(height * share)
    return image.crop((x, y, width - x, height - y))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "recompressed": lambda image: saved(image, quality=40),
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "twice the size": lambda image: image.resize((image.width * 2, image.height * 2)),
    "squashed": lambda image: image.resize((image.width, round(image.height * 0.8))),
    "cropped": lambda image: cropped(image, 0.02),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.12),
    "more contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.2),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "of 64 colours": lambda image: image.quantize(64).convert("RGB"),
    "as WebP": lambda image: saved(image, "WEBP", quality=60),
    "soft": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
}
