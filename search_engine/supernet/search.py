"""A search by shared weights: train them, let a controller look for good paths, look at the best again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from search_engine.errors import Cancelled
from search_engine.space.architecture import Genome
from search_engine.space.base import GenomeSpace
from search_engine.strategies.base import reward_of
from search_engine.strategies.reinforce import Reinforce
from search_engine.supernet.network import Supernet
from search_engine.supernet.paths import PathSpace, count_operations
from search_engine.supernet.scoring import Scorer
from search_engine.supernet.training import train_shared
from search_engine.trainer.loop import Examples
from search_engine.trial import Kind, Origin, Trial, TrialState, Vector

TRAIN_SHARE = 0.7
"""Of the time: weights that are not trained rank nothing, and a controller needs some dozens of scores."""
STEPS_A_SCORE = 10
"""Where a number of steps is given and not a time: training steps for each path that is scored."""
KEPT = 10
"""Best distinct paths that are scored again on all held-out pictures."""

OnProgress = Callable[[str, float], None]
"""Called with what is being done, in words, and how much of it is done, 0..1."""


@dataclass(frozen=True, slots=True)
class SupernetResult:
    """What a search by shared weights came to.

    Attributes:
        found: up to ``KEPT`` vectors of the whole space, no two with the same key, each with its accuracy on
            all held-out pictures by shared weights, best first.
        steps: in which the shared weights were trained.
        scored: paths that the controller tried.
        histogram: how often each operation stands in the networks found: a look at it shows a collapse.
        seconds: wall clock.
    """

    found: tuple[tuple[Vector, float], ...]
    steps: int
    scored: int
    histogram: dict[str, int]
    seconds: float


def search_supernet(
    space: GenomeSpace,
    base: Genome,
    training: Examples,
    validation: Examples,
    classes: int,
    *,
    seconds: float,
    seed: int,
    on_progress: OnProgress,
    should_stop: Callable[[], bool],
    steps: int | None = None,
) -> SupernetResult:
    """Search the cells of a space with shared weights (ENAS, Pham et al. 2018, arXiv:1802.03268).

    First the weights are trained along uniform paths (SPOS, Guo et al. 2019, arXiv:1904.00420), then they
    are frozen, and the controller is rewarded with accuracies on one pool of held-out pictures. In ENAS both
    take turns; but then a reward depends on when it was earned, and what is liked early is trained more and
    so liked more, which is how it ends at shortcuts. Last, the best are scored on all held-out pictures.

    These accuracies order candidates. They are not what the networks reach when they are trained alone.

    Args:
        space: whose cells are searched.
        base: gives everything but the cells; of the space.
        training: pictures to fit.
        validation: pictures held out, never the test split.
        classes: labels.
        seconds: limit on wall-clock seconds.
        seed: of everything random.
        on_progress: called often.
        should_stop: asked before each step and each score.
        steps: train exactly so many steps and score one path for every ``STEPS_A_SCORE`` of them, however
            long it takes: then the same seed gives the same result. None: as ``seconds`` allow.

    Raises:
        Cancelled: ``should_stop`` said so.
        SpaceError: the base is not of the space, or has no cells.
        TrialFailed: the weights diverged.
    """
    box = TimeBox(time.monotonic(), seconds, steps)
    paths = PathSpace(space, base)

    def progress(done: int) -> float:
        share = box.training(done)
        on_progress("Training the weights that all cells share", min(1.0, share))
        return share

    scorer, trained = train_scorer(
        paths, training, validation, classes, seed=seed, progress=progress, should_stop=should_stop
    )
    hunt = Hunt(paths, scorer, box, seed, on_progress=on_progress, should_stop=should_stop)
    hunt.run()
    found = hunt.best_again()
    return SupernetResult(
        found=tuple((paths.whole(vector), accuracy) for vector, accuracy in found),
        steps=trained,
        scored=len(hunt.trials),
        histogram=count_operations(paths.genome(vector) for vector, _ in found),
        seconds=time.monotonic() - box.started,
    )


def train_scorer(
    paths: PathSpace,
    training: Examples,
    validation: Examples,
    classes: int,
    *,
    seed: int,
    progress: Callable[[int], float],
    should_stop: Callable[[], bool],
) -> tuple[Scorer, int]:
    """The first stage: a supernet with trained weights, ready to score paths, and the steps it took.

    See ``search_supernet`` and ``train_shared`` for the arguments.
    """
    torch.manual_seed(seed)
    supernet = Supernet(paths.base, classes).to(training.targets.device)
    steps = train_shared(supernet, paths, training, seed=seed, progress=progress, should_stop=should_stop)
    return Scorer(supernet, training, validation, seed), steps


@dataclass(frozen=True, slots=True)
class TimeBox:
    """The time there is, or the number of steps in its place."""

    started: float
    seconds: float
    steps: int | None

    def training(self, done: int) -> float:
        """How much of the training is over, by steps or by the clock. One step at least is made."""
        if self.steps is not None:
            return done / max(1, self.steps)
        if not done:
            return 0.0
        return (time.monotonic() - self.started) / (TRAIN_SHARE * self.seconds) if self.seconds > 0 else 1.0

    @property
    def left(self) -> float:
        return self.started + self.seconds - time.monotonic()


class Hunt:
    """The controller's search over a trained supernet.

    Attributes:
        trials: paths scored on the pool, in order; their vectors are of the cells alone.
    """

    def __init__(
        self,
        paths: PathSpace,
        scorer: Scorer,
        box: TimeBox,
        seed: int,
        *,
        on_progress: OnProgress,
        should_stop: Callable[[], bool],
    ) -> None:
        self.trials: list[Trial] = []
        self._paths, self._scorer, self._box, self._seed = paths, scorer, box, seed
        self._on_progress, self._should_stop = on_progress, should_stop
        self._started = time.monotonic()

    def run(self) -> None:
        """Score paths while there is time; the controller learns from each. One at least is scored."""
        self._score(Reinforce(self._paths, self._seed).suggest(1)[0].vector)
        count = self._affordable()  # how fast the controller learns hangs on how long it may
        controller = Reinforce(self._paths, self._seed, count)
        while len(self.trials) < count and self._has_time():
            controller.update(self.trials[-1:], active=())
            vector = controller.suggest(1)[0].vector
            if self._paths.key(vector) in {trial.key for trial in self.trials}:
                return  # there are no others
            self._score(vector)
            self._on_progress("The controller tries cells", len(self.trials) / count)

    def best_again(self) -> list[tuple[Vector, float]]:
        """The best by the pool, scored on all held-out pictures; best first."""
        ranked = sorted(self.trials, key=lambda trial: (-reward_of(trial), trial.number))[:KEPT]
        if self._scorer.pool_is_everything:
            return [(trial.vector, reward_of(trial)) for trial in ranked]
        found: list[tuple[Vector, float]] = []
        for trial in ranked:
            self._check()
            if found and self._box.steps is None and self._box.left < self._seconds_again:
                break  # on a slower machine than a moment ago
            found.append((trial.vector, self._scorer.full_accuracy(self._paths.genome(trial.vector))))
            self._on_progress("The best are scored on all held-out pictures", len(found) / len(ranked))
        return sorted(found, key=lambda pair: -pair[1])

    def _score(self, vector: Vector) -> None:
        self._check()
        trial = Trial(
            number=len(self.trials),
            kind=Kind.NETWORK,
            origin=Origin.STRATEGY,
            state=TrialState.FINISHED,
            vector=vector,
            key=self._paths.key(vector),
            reward=self._scorer.accuracy(self._paths.genome(vector)),
        )
        self.trials.append(trial)

    def _check(self) -> None:
        if self._should_stop():
            raise Cancelled("the search by shared weights was stopped")

    def _affordable(self) -> int:
        """How many paths can be scored in all."""
        if self._box.steps is not None:
            return max(KEPT, self._box.steps // STEPS_A_SCORE)
        return len(self.trials) + max(0, int((self._box.left - self._reserve) / self._seconds_a_score))

    def _has_time(self) -> bool:
        return self._box.steps is not None or self._box.left > self._reserve + self._seconds_a_score

    @property
    def _seconds_a_score(self) -> float:
        """Mean so far, the controller's own work included."""
        return max(1e-6, time.monotonic() - self._started) / len(self.trials)

    @property
    def _seconds_again(self) -> float:
        """Of one path on all held-out pictures."""
        return self._seconds_a_score * self._scorer.full_cost

    @property
    def _reserve(self) -> float:
        return 0.0 if self._scorer.pool_is_everything else KEPT * self._seconds_again
