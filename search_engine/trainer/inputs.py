"""The prepared pictures of a search, as what its networks and controls read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from search_engine.config import Plan
from search_engine.data.manifest import TRAIN, VALIDATION, Manifest, Picture
from search_engine.data.pack import CHUNK, Pack, build_packs
from search_engine.data.split import assign_folds
from search_engine.data.targets import split_items, targets_of
from search_engine.space.registry import ANY, HYBRID
from search_engine.space.scratch import PIXELS
from search_engine.space.trunks import EMBEDDING, TRUNKS
from search_engine.trainer.folds import Fold, make_folds
from search_engine.trainer.loop import Examples
from search_engine.trunk.features import FeatureStore
from search_engine.trunk.graph import TrunkRunner, feature_names

Tell = Callable[[str], Callable[[int, int], None]]
"""From a text for people to a function that is told how much of that is done, of how much."""


@dataclass(frozen=True)
class Inputs:
    """Features are loaded when they are first asked for, and kept.

    Attributes:
        manifest: all pictures.
        store: the trunk's activations; only the embedding where networks are trained from scratch.
        pack: the pixels that networks from scratch see; None where there are none.
        device: to train on.
    """

    manifest: Manifest
    store: FeatureStore
    pack: Pack | None
    device: torch.device
    _loaded: dict[str, Tensor] = field(default_factory=dict)

    @cached_property
    def pictures(self) -> tuple[Picture, ...]:
        """Those that take part in the search, in the order of the features' rows."""
        by_id = {picture.id: picture for picture in self.manifest.pictures}
        return tuple(by_id[i] for i in self.store.ids)

    def of(self, split: str) -> tuple[Picture, ...]:
        """Those of one split."""
        return tuple(picture for picture in self.pictures if picture.split == split)

    def examples(self, names: Collection[str], *splits: str) -> Examples:
        """The pictures of some splits, as the features of some names."""
        for name in set(names) - self._loaded.keys():
            self._loaded[name] = self._load(name).to(self.device)
        rows = [row for row, picture in enumerate(self.pictures) if picture.split in splits]
        return Examples(
            features={name: self._loaded[name] for name in names},
            targets=torch.from_numpy(targets_of(self.manifest, self.pictures)).to(self.device),
            rows=torch.tensor(rows, dtype=torch.int64),
        )

    def folds(self, names: Collection[str], count: int) -> list[Fold]:
        """Training and validation pictures in so many folds; the validation split is the first."""
        working = self.examples(names, TRAIN, VALIDATION)
        rows = working.rows.tolist()
        items = split_items(self.manifest, [(row, self.pictures[row]) for row in rows])
        held = {row for row in rows if self.pictures[row].split == VALIDATION}
        fold_of = assign_folds(items, held, count)
        return make_folds(working, torch.tensor([fold_of[row] for row in rows]), count)

    def _load(self, name: str) -> Tensor:
        if name != PIXELS or self.pack is None:
            return self.store.load(name)
        return torch.from_numpy(np.concatenate([self.pack.read(c) for c in range(self.store.chunks)]))


def prepare_inputs(
    plan: Plan,
    manifest: Manifest,
    *,
    cache: Path,
    shared_cache: Path,
    device: torch.device,
    tell: Tell,
    should_stop: Callable[[], bool],
) -> Inputs:
    """Decode the pictures and cache the trunk's activations, together with whoever else is at it.

    For networks from scratch the trunk gives its embedding alone: the linear probe, which every search has to
    beat, needs no more.

    Args:
        plan: resolution and how many pictures.
        manifest: the pictures.
        cache: folder for this manifest's packs and activations.
        shared_cache: folder for exported trunks.
        device: to run the trunk and to train on.
        tell: gets the progress.
        should_stop: asked often.

    Raises:
        Cancelled: ``should_stop`` said so.
        DatasetError: a picture's file has vanished or cannot be decoded.
    """

    on_trunk = plan.space in (HYBRID, ANY)
    side = plan.trunk_resolution
    seen = plan.resolution if not on_trunk else plan.scratch_resolution if plan.scratch_epochs else None
    packs = build_packs(
        manifest,
        {each: cache / f"pack-{each}" for each in (side, seen) if each is not None},
        pictures=plan.pictures,
        on_progress=tell("Reading the pictures"),
        should_stop=should_stop,
    )
    names = feature_names(TRUNKS[plan.trunk], plan.unfreeze) if on_trunk else [EMBEDDING]
    runner = TrunkRunner(plan.trunk, side, shared_cache, device, names=names)
    store = FeatureStore(
        folder=cache / (f"{plan.trunk}-{side}" if on_trunk else f"{plan.trunk}-{side}-{EMBEDDING}"),
        pack=packs[side],
        names=tuple(runner.names),
        chunks=-(-min(plan.pictures, len(packs[side].ids)) // CHUNK),
    )
    store.compute(runner, on_progress=tell("Looking at the pictures"), should_stop=should_stop)
    return Inputs(manifest, store, None if seen is None else packs[seen], device)
