"""A policy of augmentation is learned, and kept only if short trainings with it win.

The same pictures, genome and seed learn the same, if time suffices.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn

from search_engine.augment.density import search_policy
from search_engine.space.architecture import LEARNED, Genome
from search_engine.space.lesson import SEEDS, WAYS, Lesson
from search_engine.space.networks import build
from search_engine.space.policies import write_policy
from search_engine.trainer.loop import Examples, predict, train
from search_engine.trainer.loss import right

FOLD = 0.2  # of the training pictures, which the sub-policies are tried on
MOST = 2000  # training pictures: what a policy is worth shows on a part
TRAININGS = len(WAYS) * SEEDS
EPOCHS = 12  # of a training; fewer than EPOCHS_LEAST tell nothing
EPOCHS_LEAST = 8
DENSITY_SHARE = 0.2  # of the seconds, for looking at changed pictures
SHARE = 0.1  # of the budget
BUDGET_LEAST = 600.0  # seconds of a budget that a policy is learned in


def affords_lesson(budget_seconds: float, *, pictures: int, rate: float) -> bool:
    """Whether the trainings can be long enough to tell anything.

    Args:
        budget_seconds: of the search.
        pictures: to train on.
        rate: of them a second through forward and backward.
    """
    each = EPOCHS_LEAST * min(pictures, MOST) * (1.0 - FOLD) / rate
    seconds = (1.0 - DENSITY_SHARE) * SHARE * budget_seconds
    return budget_seconds >= BUDGET_LEAST and TRAININGS * each <= seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """What a lesson needs.

    Attributes:
        genome: the network that is trained; its recipe's augmentation is replaced.
        classes: labels.
        training, validation: pixels; the policy is learned on the first and judged on the second.
        device: to train on.
        strategy: name in ``STRATEGIES``, which proposes sub-policies.
        seed: of everything.
        epochs: of each training, if time allows.
        should_stop: asked often.
    """

    genome: Genome
    classes: int
    training: Examples
    validation: Examples
    device: torch.device
    strategy: str
    seed: int
    should_stop: Callable[[], bool]
    epochs: int = EPOCHS

    def learn(self, seconds: float) -> Lesson | None:
        """The policy, and what trainings with it and with others came to; None if none was found.

        Raises:
            Cancelled: ``should_stop`` said so.
            TrialFailed: a training diverged.
        """
        started = time.monotonic()
        rows = self.training.rows[torch.randperm(len(self.training), generator=self._generator())[:MOST]]
        cut = round(FOLD * len(rows))
        held_out, rest = (replace(self.training, rows=part) for part in (rows[:cut], rows[cut:]))
        each = (1.0 - DENSITY_SHARE) * seconds / TRAININGS
        accuracies: dict[str, list[float]] = {way: [] for way in WAYS}
        model, accuracy = self._train(rest, "none", "", 0, each)
        accuracies["none"].append(accuracy)
        policy = search_policy(
            model,
            held_out,
            strategy=self.strategy,
            seconds=DENSITY_SHARE * seconds,
            seed=self.seed,
            should_stop=self.should_stop,
        )
        if not policy:
            return None
        text = write_policy(policy)
        for seed in range(SEEDS):
            for way in WAYS:
                if len(accuracies[way]) <= seed:  # the first of them is there already
                    own = text if way == LEARNED else ""
                    accuracies[way].append(self._train(rest, way, own, seed, each)[1])
        return Lesson(
            policy=text,
            accuracies={way: tuple(values) for way, values in accuracies.items()},
            pictures=len(self.validation),
            seconds=time.monotonic() - started,
        )

    def _train(
        self, rest: Examples, way: str, policy: str, seed: int, seconds: float
    ) -> tuple[nn.Module, float]:
        """Train once; the network, and its accuracy on the validation pictures."""
        torch.manual_seed(self.seed + seed)
        model = build(self.genome, self.classes).to(self.device)
        train(
            model,
            rest,
            None,
            replace(self.genome.recipe, augment=way, policy=policy, erase=0.0),
            epochs=self.epochs,
            seconds=seconds,
            seed=self.seed + seed,
            on_epoch=lambda *_: None,
            should_stop=self.should_stop,
        )
        return model, float(right(predict(model, self.validation), self.validation.labels).mean())

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)
