"""Which labels look wrong: confident learning (Northcutt, Jiang and Chuang 2021, JAIR 70). Plain numpy.

All of it reads what models say of pictures that they have not learned from, and the labels that the pictures
were given. Nothing here knows the truth: it ranks which labels to look at first, and says how many are worth
it. What was measured to choose among the paper's variants is in decision 21.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Ranking:
    """What confident learning makes of a set's labels.

    Attributes:
        likeliest: (N,) indices, what the models take each picture for.
        own: (N,) probability of the label that was given.
        suspicion: (N,) one minus that: the higher, the more suspect.
        suspected: (N,) bool, the most suspect ones, as many as are estimated to be wrong.
    """

    likeliest: np.ndarray
    own: np.ndarray
    suspicion: np.ndarray
    suspected: np.ndarray


def class_thresholds(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How sure models are of a label, on average, where it was given and they agree.

    The paper takes the mean over all pictures of a label, also where the models disagree (its equation 2).
    Where they are weak that is so low that on clean sets twice as many labels are suspected, all for nothing.

    Args:
        probabilities: (N, classes), of pictures that were not learned from.
        labels: (N,) indices, as given.

    Returns:
        (classes,) 0..1; infinite for a label on which nothing agrees, so that nothing is confidently of it.
    """
    classes = probabilities.shape[1]
    agreed = probabilities.argmax(axis=1) == labels
    own = probabilities[agreed, labels[agreed]]
    counts = np.bincount(labels[agreed], minlength=classes)
    sums = np.bincount(labels[agreed], weights=own, minlength=classes)
    means: np.ndarray = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    return means


def confident_joint(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Counts of pictures by the label that was given and the one that they confidently have (equation 1).

    A picture confidently has the likeliest of the labels whose probability is up to their thresholds; one
    without any such is not counted.

    Returns:
        (classes, classes) integers; row i, column j counts what was given label i and looks like j.
    """
    classes = probabilities.shape[1]
    thresholds = class_thresholds(probabilities, labels)
    # A mean of equal numbers may come out a last digit above all of them.
    passing = np.where(probabilities >= thresholds - 1e-9, probabilities, -1.0)
    confident, sure = passing.argmax(axis=1), passing.max(axis=1) >= 0.0
    joint = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(joint, (labels[sure], confident[sure]), 1)
    return joint


def rank(probabilities: np.ndarray, labels: np.ndarray) -> Ranking:
    """Rank labels by how wrong they look, and say how many of the top are suspected.

    The order is that of self-confidence, the probability of the given label, which in the measurements beat
    the margin to the likeliest label, and both after subtracting thresholds. The number is what the confident
    joint holds off its diagonal.

    Args:
        probabilities: (N, classes), of pictures that were not learned from; they should be calibrated.
        labels: (N,) indices, as given.
    """
    labels = np.asarray(labels)
    rows = np.arange(len(labels))
    likeliest = probabilities.argmax(axis=1)
    own = probabilities[rows, labels].astype(np.float64)
    joint = confident_joint(probabilities, labels)
    count = int(joint.sum() - np.trace(joint))
    # Nobody is told that a label is wrong by a model that would give the same.
    differing = np.flatnonzero(likeliest != labels)
    suspected = np.zeros(len(labels), dtype=bool)
    suspected[differing[np.argsort(own[differing], kind="stable")[:count]]] = True
    return Ranking(likeliest, own, 1.0 - own, suspected)
