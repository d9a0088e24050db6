"""Doubting labels, in the engine: what does not fit what was learned from the other pictures.

Every picture is judged by a model that has not learned from it: training and validation pictures by the
networks of the finished model as they were before the last fit, each asked about what it was held back from.
Where there was no cross-validation these know the validation pictures only; then a classifier on the frozen
trunk judges training pictures in five folds, and validation pictures together with them. Test pictures are
judged by the finished model, in the answers that it gave when the test was opened.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from search_engine.combining import Rival
from search_engine.commands import Doubt
from search_engine.config import Plan
from search_engine.data.manifest import Picture
from search_engine.errors import SettingsError
from search_engine.evaluate.confident import Ranking, rank
from search_engine.evaluate.ensemble import fit_temperature, mixture, select, softmax
from search_engine.events import Doubted, Progress
from search_engine.export.bundle import TEST_ANSWERS
from search_engine.fitting import Fitter
from search_engine.space.architecture import Genome, Trunk, linear_probe
from search_engine.space.build import Candidate
from search_engine.space.hybrid import LOGISTIC
from search_engine.space.networks import input_shapes
from search_engine.space.registry import ANY, HYBRID
from search_engine.trainer.folds import out_of_fold
from search_engine.trainer.inputs import Inputs
from search_engine.trainer.logistic import fit_logistic
from search_engine.trainer.shorten import fewer

FOLDS = 5
WORK_A_SECOND = 15e6
"""Pictures times features times labels (and eight, for what does not depend on them) that five folds do in a
second on one core that others load, too: it was 10 to 47 million on five data sets."""
MOST_ROWS = 10_000  # pictures that a fold learns from; more would take hundreds of megabytes
CHOOSING = 0.4  # of the time for the first fold, which also chooses the regularisation
FEWEST = 2  # pictures that are too few to say anything about


@dataclass(frozen=True, slots=True)
class Opinions:
    """What models say of pictures that they have not learned from.

    Attributes:
        pictures: that were judged.
        probabilities: (N, classes) of each.
    """

    pictures: tuple[Picture, ...]
    probabilities: np.ndarray

    def ranking(self, labels: Sequence[str]) -> Ranking:
        """Of the pictures by how wrong their labels look; ``labels`` in the order of the classes."""
        place = {label: index for index, label in enumerate(labels)}
        return rank(self.probabilities, np.array([place[p.label] for p in self.pictures]))


def doubt(command: Doubt, fitter: Fitter, test: Sequence[Picture]) -> Doubted:
    """Rank the labels of all pictures that took part, and write one JSON line a picture.

    Args:
        command: the finished model, a limit on seconds, and the file.
        fitter: of the search.
        test: the test pictures, whose answers are used if the test has been opened.

    Raises:
        SettingsError: pictures have several labels each, which confident learning has no notion of, or
            there are hardly any.
        Cancelled: it was stopped.
    """
    started = time.monotonic()
    fitter.sink.emit(Progress(phase="finish", text="Looking for labels that look wrong"))
    if fitter.targets.ndim > 1:
        raise SettingsError("Where pictures may have several labels, wrong ones are not looked for.")
    judged = _by_the_model(command, fitter)
    if not fitter.plan.crossed:
        left = command.seconds - (time.monotonic() - started)
        seen = logistic_opinions(
            fitter.inputs, fitter.plan, fitter.classes, seconds=left, should_stop=fitter.should_stop
        )
        judged = _joined(seen, _better_together(seen, judged, fitter.targets))
    answers = fitter.run / TEST_ANSWERS
    if test and answers.exists():
        judged = _joined(judged, Opinions(tuple(test), np.load(answers)))
    if len(judged.pictures) < FEWEST:
        raise SettingsError("There are too few pictures to say which of their labels look wrong.")
    labels = fitter.inputs.manifest.labels
    ranking = judged.ranking(labels)
    write_opinions(Path(command.out), judged, ranking, labels)
    return Doubted(
        out=command.out,
        pictures=len(judged.pictures),
        suspected=int(ranking.suspected.sum()),
        seconds=time.monotonic() - started,
    )


def _by_the_model(command: Doubt, fitter: Fitter) -> Opinions:
    """What the networks of the model said of the pictures that judged them."""
    targets = fitter.targets
    rivals = [Rival.of(data, fitter, targets) for data in command.parts]
    shares = [float(data["share"]) for data in command.parts]
    pictures = tuple(p for p in fitter.inputs.pictures if p.split in fitter.judging)
    return Opinions(pictures, mixture([rival.probabilities for rival in rivals], shares))


def logistic_opinions(
    inputs: Inputs, plan: Plan, classes: int, *, seconds: float, should_stop: Callable[[], bool]
) -> Opinions:
    """What logistic regression on the trunk's pooled activations says of each fold, learned from the others.

    It is cheap, and weak only where networks from scratch win by far. Of a space without a trunk there is
    its embedding, which the search's control read.

    Args:
        inputs: training and validation pictures; groups never straddle folds.
        plan: of the search.
        classes: labels.
        seconds: limit on wall-clock seconds, about; with little time folds learn from fewer pictures.
        should_stop: asked often.

    Raises:
        Cancelled: ``should_stop`` said so.
    """
    until = time.monotonic() + seconds
    genome = _classifier(plan)
    folds = inputs.folds(input_shapes(genome), FOLDS)
    models: list[Candidate] = []
    strength: float | None = None
    for place, fold in enumerate(folds):
        left = max(0.0, until - time.monotonic())
        model = Candidate(genome, classes).to(inputs.device)
        share = _affordable(len(fold.training), model.plan.features * (classes + 8), left, len(folds) - place)
        strength = fit_logistic(
            [model],
            [replace(fold, training=fewer(fold.training, share))],
            strength=strength,
            seconds=left * CHOOSING if place == 0 else left / (len(folds) - place),
            seed=0,
            should_stop=should_stop,
        )
        models.append(model)
    logits, targets = (each.numpy() for each in out_of_fold(models, folds))
    rows = torch.cat([fold.held_out.rows for fold in folds if fold.held_out is not None]).sort().values
    temperature = fit_temperature(logits, targets)
    return Opinions(tuple(inputs.pictures[row] for row in rows.tolist()), softmax(logits, temperature))


def _classifier(plan: Plan) -> Genome:
    probe = linear_probe(Trunk(plan.trunk, plan.trunk_resolution))
    return replace(probe, pooled=plan.pooled and plan.space in (HYBRID, ANY), recipe=LOGISTIC)


def _affordable(pictures: int, width: int, seconds: float, folds: int) -> float:
    """The share of its pictures that a fold can learn from, 0..1; ``width`` is the work of one picture."""
    work = WORK_A_SECOND * FOLDS * seconds / folds
    return min(1.0, MOST_ROWS / pictures, max(work / width, 1.0) / pictures)


def _better_together(first: Opinions, second: Opinions, targets: np.ndarray) -> Opinions:
    """Of the second's pictures what both say together, weighted by how well they know these.

    Args:
        first: on at least the same pictures.
        second: on some.
        targets: (N,) labels of the second's pictures.
    """
    row_of = {picture.id: row for row, picture in enumerate(first.pictures)}
    both = [first.probabilities[[row_of[p.id] for p in second.pictures]], second.probabilities]
    counts = select(both, targets, most=2)
    shares = [count / sum(counts.values()) for count in counts.values()]
    return replace(second, probabilities=mixture([both[place] for place in counts], shares))


def _joined(first: Opinions, second: Opinions) -> Opinions:
    """Both together; of a picture that is in both, the second's."""
    again = {picture.id for picture in second.pictures}
    kept = [row for row, picture in enumerate(first.pictures) if picture.id not in again]
    return Opinions(
        (*(first.pictures[row] for row in kept), *second.pictures),
        np.concatenate([first.probabilities[kept], second.probabilities]),
    )


def write_opinions(path: Path, judged: Opinions, ranking: Ranking, labels: Sequence[str]) -> None:
    """Write the most suspect first, in one step.

    A line has ``id``, ``split`` and ``label`` of the picture, ``likeliest`` label and its ``probability``,
    ``own``, the probability of its label, ``suspicion``, and ``suspected``, whether it is among the top that
    are estimated to be wrong.
    """
    order = np.lexsort((np.array([p.id for p in judged.pictures]), -ranking.suspicion, ~ranking.suspected))
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        for row in order.tolist():
            picture, likeliest = judged.pictures[row], int(ranking.likeliest[row])
            line = {
                "id": picture.id,
                "split": picture.split,
                "label": picture.label,
                "likeliest": labels[likeliest],
                "probability": round(float(judged.probabilities[row, likeliest]), 6),
                "own": round(float(ranking.own[row]), 6),
                "suspicion": round(float(ranking.suspicion[row]), 6),
                "suspected": bool(ranking.suspected[row]),
            }
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
