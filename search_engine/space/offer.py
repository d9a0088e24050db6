"""What a plan lets networks choose from, beyond what all could choose from at first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from search_engine.config import Plan
from search_engine.space.invariance import mirror_holds
from search_engine.space.lesson import policy_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The defaults are those of the oldest plans, so that the vectors of their searches keep their meaning.

    Attributes:
        pooled: whether heads on the trunk may read every stage; see ``HybridSpace``.
        unfreeze: the most stages of the trunk that networks may train; see ``HybridSpace``.
        augmented: whether recipes from scratch may bend and erase pictures; see ``ScratchSpace``.
        mirrored: whether they may mirror pictures; see ``ScratchSpace``.
        policy: a learned augmentation that they may follow, where all networks are from scratch.
    """

    pooled: bool = False
    unfreeze: int = 0
    augmented: bool = False
    mirrored: bool = True
    policy: str = ""

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """What a plan offers."""
        return cls(
            pooled=plan.pooled,
            unfreeze=plan.unfreeze,
            augmented=plan.augmented,
            mirrored=mirror_holds(plan.invariances),
            policy=policy_of(plan.lesson),
        )


OLDEST = Offer()
