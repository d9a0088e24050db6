"""Early kill: whether a running trial can still win, by its learning curve and those that finished before.

The learning rate goes through one cycle, so accuracy rises late, and a power law through the first epochs
(Domhan et al. 2015) is wrong in a way that all trials of a search share. So the extrapolation is not believed
but calibrated: by how the curves of this search really ended, given the very same extrapolation at the same
share of the schedule. What it cannot tell apart then shows as spread, and a wide spread kills nobody.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

THRESHOLD = 0.05
"""Share of the trials that would have won which may be lost."""
EARLIEST = 1 / 3
"""Share of the schedule before which nobody is killed: the learning rate is still near its peak."""
FEWEST_CURVES = 5
"""Finished curves without which nothing can be said of this search."""
FEWEST_EPOCHS = 3
"""Epochs that a power law of three parameters needs."""
EXPONENTS = np.array([0.1, 0.25, 0.5, 1.0, 2.0])
"""Of the power law: from nearly logarithmic, still rising at the end, to flat after a few epochs."""
FINEST = 0.01
"""Least spread in radians, that of 2,500 validation pictures: curves that agree by luck prove no more."""


def should_kill(
    curve: Sequence[float],
    epochs: int,
    incumbent: float,
    finished_curves: Sequence[Sequence[float]],
    *,
    threshold: float = THRESHOLD,
) -> bool:
    """Whether to end a trial now; asked after each epoch.

    It is ended when its chance to beat the incumbent is below ``threshold`` times that of a trial of which
    nothing is known, which is 1 / (n + 1) after n trials: each is as likely as the others to be the best. So,
    as far as the chances are right, no more than ``threshold`` of the trials that would have won are lost.
    A fixed chance of 5 % says nothing after twenty trials: a new one has no more to begin with, and the
    slightest bad sign kills it.

    Args:
        curve, epochs, incumbent, finished_curves: as for ``chance_to_beat``.
        threshold: share of the winners that may be lost.
    """
    if not EARLIEST * epochs <= len(curve) < epochs:
        return False
    unknown = 1.0 / (len(finished_curves) + 1)
    return chance_to_beat(curve, epochs, incumbent, finished_curves) < threshold * unknown


def chance_to_beat(
    curve: Sequence[float], epochs: int, incumbent: float, finished_curves: Sequence[Sequence[float]]
) -> float:
    """The probability that a running trial's last accuracy is above the incumbent's.

    A line from extrapolated to true last accuracies is fitted through the finished curves, each cut at the
    same share of its own schedule; the answer is Student's t for one more point on that line, so few curves
    or an extrapolation outside of theirs make it unsure. Accuracies are taken as ``asin(sqrt(p))``, where
    binomial noise is the same at every accuracy and 0 and 1 are no exceptions.

    The finished curves should include some that nothing could have killed, e.g. those of the random arm:
    those that survived a kill are a selection.

    Args:
        curve: validation accuracies in 0..1 of the epochs so far; NaN where there is none.
        epochs: length of the schedule.
        incumbent: validation accuracy of the best trial.
        finished_curves: whole curves of trials of the same search, in any order.

    Returns:
        0..1; 1.0 where there is not enough evidence to say less.
    """
    predicted = extrapolate(curve, epochs)
    pairs = [_evidence(finished, len(curve) / epochs) for finished in finished_curves]
    known = np.array([pair for pair in pairs if pair is not None], dtype=np.float64)
    if predicted is None or len(known) < FEWEST_CURVES or not math.isfinite(incumbent):
        return 1.0
    if incumbent >= 1.0:
        return 0.0
    x, y = _angle(known[:, 0]), _angle(known[:, 1])
    here, bar = _angle(np.array([predicted, incumbent]))
    return _chance_above(float(bar), float(here), x, y)


def extrapolate(curve: Sequence[float], epochs: int) -> float | None:
    """Where ``a - b * k**-c`` through a curve's accuracies is after ``epochs``; None for too few of them.

    The least squares over a few exponents c, with b >= 0 (training helps) and later epochs weighing more.
    """
    values = np.array(curve, dtype=np.float64)
    k = np.arange(1, len(values) + 1, dtype=np.float64)
    there = np.isfinite(values)
    if there.sum() < FEWEST_EPOCHS or len(values) > epochs:
        return None
    k, values = k[there], values[there]
    weights = k / k.sum()
    shapes = k[None, :] ** -EXPONENTS[:, None]
    centred = shapes - (shapes @ weights)[:, None]
    middle = float(values @ weights)
    slopes = np.minimum(0.0, (centred * weights) @ (values - middle) / (centred**2 @ weights))
    errors = ((values - middle - slopes[:, None] * centred) ** 2) @ weights
    best = int(errors.argmin())
    end = middle + slopes[best] * (float(epochs) ** -EXPONENTS[best] - float(shapes[best] @ weights))
    return min(1.0, max(0.0, float(end)))


def _evidence(finished: Sequence[float], share: float) -> tuple[float, float] | None:
    """What would have been extrapolated for a finished curve at a share of its schedule, and its end."""
    length = round(share * len(finished))
    if not 0 < length < len(finished) or not math.isfinite(finished[-1]):
        return None
    predicted = extrapolate(finished[:length], len(finished))
    return None if predicted is None else (predicted, finished[-1])


def _angle(accuracy: Floats) -> Floats:
    return np.asarray(np.arcsin(np.sqrt(np.clip(accuracy, 0.0, 1.0))))


def _chance_above(bar: float, here: float, x: Floats, y: Floats) -> float:
    """Chance that a new point at ``here`` is above ``bar``, by the line through the points (x, y)."""
    count = len(x)
    away = x - x.mean()
    width = float(away @ away) + FINEST**2  # the ridge of a line through points that are all alike
    slope = max(0.0, float(away @ y) / width)  # who is ahead now is not likelier to lose for it
    rest = y - y.mean() - slope * away
    degrees = count - 2
    spread = max(FINEST, math.sqrt(float(rest @ rest) / degrees))
    distance = here - float(x.mean())
    error = spread * math.sqrt(1.0 + 1.0 / count + distance**2 / width)
    return student_above((bar - float(y.mean()) - slope * distance) / error, degrees)


def student_above(t: float, degrees: int) -> float:
    """Chance that Student's t of some degrees of freedom exceeds ``t``: the finite series for whole degrees.

    Abramowitz and Stegun, 26.7.3 and 26.7.4.
    """
    angle = math.atan2(t, math.sqrt(degrees))
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = degrees % 2
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for j in range(1 + odd, degrees, 2):
        total += term
        term *= cosine**2 * j / (j + 1)
    between = 2.0 / math.pi * (angle + sine * total) if odd else sine * total
    return min(1.0, max(0.0, 0.5 * (1.0 - between)))
