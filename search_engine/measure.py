"""What a plan stands on: a few pictures and a few training steps, timed on this machine, now."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from search_engine.data.decode import to_pixels
from search_engine.planner import CONTROL_RESOLUTION, TUNE_MEASURED, Rates
from search_engine.space.architecture import Genome, Trunk
from search_engine.space.hybrid import HybridSpace
from search_engine.space.networks import build, input_shapes
from search_engine.space.offer import Offer
from search_engine.space.registry import ANY, HYBRID, make_space
from search_engine.space.scratch import PIXELS
from search_engine.space.scratch_space import RESOLUTIONS
from search_engine.space.trunks import EMBEDDING, TRUNKS
from search_engine.trainer.loop import Examples, train
from search_engine.trunk.graph import TrunkRunner

PICTURES = 24  # decoded; enough to average over sizes, a fraction of a second
BATCH = 16
MEASURED = (128, 224)  # pixels; in between, the time grows with the area
CANDIDATES = 3  # random networks; their median stands for the space
STEPS = 6
TUNE_STEPS = 4  # a quarter of a second each on a CPU
SCRATCH_BATCH = 32  # pictures a step from scratch: measuring must not take longer than a trial


def measure_rates(
    root: Path,
    paths: list[str],
    *,
    space: str,
    trunk: str,
    classes: int,
    cache: Path,
    device: torch.device,
    seed: int,
    tune: bool = False,
) -> Rates:
    """Pictures a second through decoding, the trunk and a typical candidate, one slot alone.

    Args:
        root: folder of the pictures.
        paths: relative to it; a random sample is used.
        space: name in ``SPACES``.
        trunk: name in ``TRUNKS``.
        classes: labels.
        cache: where exported trunks are kept.
        device: to train on.
        seed: of the sample.
        tune: whether training a part of the trunk is measured, too.
    """
    rng = random.Random(seed)
    some = rng.sample(paths, min(PICTURES, len(paths)))
    decode = _decode_rate(root, some)
    if space not in (HYBRID, ANY):
        extract = {CONTROL_RESOLUTION: 1.0 / _extract_seconds(trunk, CONTROL_RESOLUTION, cache, device)}
        return Rates(decode=decode, extract=extract, train=_scratch_rates(space, trunk, classes, device, rng))
    seconds = {r: _extract_seconds(trunk, r, cache, device) for r in MEASURED}
    low, high = MEASURED
    slope = max(0.0, (seconds[high] - seconds[low]) / (high**2 - low**2))
    extract = {r: 1.0 / max(1e-5, seconds[low] + slope * (r**2 - low**2)) for r in TRUNKS[trunk].resolutions}
    rate = _train_rate(trunk, classes, device, rng)
    scratch = _scratch_rates("macro", trunk, classes, device) if space == ANY else {}
    return Rates(
        decode=decode,
        extract=extract,
        train=dict.fromkeys(extract, rate),
        scratch=scratch,
        tune=_tune_rate(trunk, classes, device) if tune else 0.0,
    )


def _decode_rate(root: Path, paths: list[str]) -> float:
    started = time.perf_counter()
    for path in paths:
        pixels = to_pixels((root / path).read_bytes())
        Image.fromarray(pixels).resize((MEASURED[-1], MEASURED[-1]), Image.Resampling.BILINEAR)
    return len(paths) / (time.perf_counter() - started)


def _extract_seconds(trunk: str, resolution: int, cache: Path, device: torch.device) -> float:
    """Seconds a picture, the better of two batches after one to warm up."""
    runner = TrunkRunner(trunk, resolution, cache, device)
    pixels = np.zeros((BATCH, resolution, resolution, 3), np.uint8)
    times = []
    for _ in range(3):
        started = time.perf_counter()
        runner(pixels)
        times.append(time.perf_counter() - started)
    return min(times[1:]) / BATCH


def _train_rate(trunk: str, classes: int, device: torch.device, rng: random.Random) -> float:
    """Median pictures a second of a few random candidates, whole training steps."""
    spec = TRUNKS[trunk]
    space = HybridSpace(Trunk(trunk, MEASURED[-1]))
    grid = spec.grid(MEASURED[-1])
    rates: list[float] = []
    while len(rates) < CANDIDATES:
        genome = space.decode(space.sample(rng))
        if genome.repeats == 0:
            continue  # no cells: too cheap to stand for the others
        n = genome.recipe.batch_size * STEPS
        features = {name: torch.randn(n, spec.tap(name).channels, grid, grid).half() for name in genome.taps}
        features[EMBEDDING] = torch.randn(n, spec.embedding).half()
        examples = Examples(
            features={name: t.to(device) for name, t in features.items()},
            targets=torch.randint(0, classes, (n,), device=device),
            rows=torch.arange(n),
        )
        rates.append(_steps_rate(genome, classes, examples, device))
    return sorted(rates)[len(rates) // 2]


def _tune_rate(trunk: str, classes: int, device: torch.device) -> float:
    """Pictures a second through training a part of the trunk, as ``TUNE_MEASURED`` says."""
    unfrozen, side = TUNE_MEASURED
    space = HybridSpace(Trunk(trunk, side), unfreeze=unfrozen)
    [genome] = [g for g in map(space.decode, space.starts) if g.unfrozen]
    genome = replace(genome, recipe=replace(genome.recipe, batch_size=BATCH))
    n = BATCH * TUNE_STEPS
    examples = Examples(
        features={
            name: torch.randn(n, *shape, device=device) for name, shape in input_shapes(genome).items()
        },
        targets=torch.randint(0, classes, (n,), device=device),
        rows=torch.arange(n),
    )
    return _steps_rate(genome, classes, examples, device)


def _scratch_rates(
    space: str, trunk: str, classes: int, device: torch.device, rng: random.Random | None = None
) -> dict[int, float]:
    """The same for networks on pixels: at the lowest and highest resolution, in between by the area.

    Without random numbers of the networks that the space begins with.
    """
    low, high = min(RESOLUTIONS), max(RESOLUTIONS)
    seconds = {
        side: 1.0 / _pixel_rate(space, Trunk(trunk, side), classes, device, rng) for side in (low, high)
    }
    slope = max(0.0, (seconds[high] - seconds[low]) / (high**2 - low**2))
    return {side: 1.0 / (seconds[low] + slope * (side**2 - low**2)) for side in RESOLUTIONS}


def _pixel_rate(
    space: str, trunk: Trunk, classes: int, device: torch.device, rng: random.Random | None
) -> float:
    networks, side, n = (
        make_space(space, trunk, offer=Offer(augmented=True)),
        trunk.resolution,
        SCRATCH_BATCH * STEPS,
    )
    rates = []
    for vector in networks.starts if rng is None else [networks.sample(rng) for _ in range(CANDIDATES)]:
        genome = networks.decode(vector)
        genome = replace(genome, recipe=replace(genome.recipe, batch_size=SCRATCH_BATCH))
        examples = Examples(
            features={PIXELS: torch.randint(0, 256, (n, side, side, 3), dtype=torch.uint8, device=device)},
            targets=torch.randint(0, classes, (n,), device=device),
            rows=torch.arange(n),
        )
        rates.append(_steps_rate(genome, classes, examples, device))
    return sorted(rates)[(len(rates) - 1) // 2]


def _steps_rate(genome: Genome, classes: int, examples: Examples, device: torch.device) -> float:
    """Pictures a second through one epoch of whole training steps."""
    result = train(
        build(genome, classes).to(device),
        examples,
        None,
        genome.recipe,
        epochs=1,
        seconds=60.0,
        seed=0,
        on_epoch=lambda *_: None,
        should_stop=lambda: False,
    )
    return len(examples) / result.seconds
