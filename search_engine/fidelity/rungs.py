"""What the rungs of a search are: full training, and shorter ones below it.

A rung saves epochs, pictures or pixels. Every rung has a whole cycle of the learning rate of its own: a cycle
cut off ranks networks by how fast they are at a high rate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

ETA = 3
"""A rung costs about this many times the one below (Li et al. 2018, arXiv:1810.05934, use 3 or 4)."""
LEAST_EPOCHS = 4
"""Of the lowest rung: with fewer the learning rate's cycle ranks nothing."""
LEAST_SHARE = 1 / ETA**2
"""Of the training pictures, at the lowest rung."""
LEAST_SCALE = 0.5
"""Of the picture's side: half as wide is a quarter of the pixels; below, there is little left to see."""
SAVINGS = ("epochs", "pictures", "resolution")


@dataclass(frozen=True, slots=True)
class Rung:
    """One length of training.

    Attributes:
        epochs: passes over the pictures that take part.
        share: of the training pictures that take part, 0..1.
        scale: of the picture's side, 0..1; networks from scratch only.
        folds: of the cross-validation, at the last rung; 1 elsewhere: a short training only ranks.
    """

    epochs: int
    share: float = 1.0
    scale: float = 1.0
    folds: int = 1

    @property
    def cost(self) -> float:
        """Of one training, in epochs over all pictures in full size, all folds together."""
        return self.epochs * self.share * self.scale**2 * self.folds


def make_rungs(epochs: int, saving: str, folds: int = 1) -> tuple[Rung, ...]:
    """The ladder, cheapest first; the last is training in full.

    Args:
        epochs: of training in full.
        saving: one of ``SAVINGS``: what a lower rung has less of.
        folds: of training in full.
    """
    ladder = [Rung(epochs)]
    while (lower := _below(ladder[0], saving)) is not None:
        ladder.insert(0, lower)
    return (*ladder[:-1], replace(ladder[-1], folds=folds))


def _below(rung: Rung, saving: str) -> Rung | None:
    """The next cheaper rung, or None if it would rank nothing."""
    if saving == "epochs" and rung.epochs // ETA >= LEAST_EPOCHS:
        return replace(rung, epochs=rung.epochs // ETA)
    if saving == "pictures" and rung.share / ETA >= LEAST_SHARE - 1e-9:
        return replace(rung, share=rung.share / ETA)
    if saving == "resolution" and rung.scale / 2 >= LEAST_SCALE:
        return replace(rung, scale=rung.scale / 2)
    return None
