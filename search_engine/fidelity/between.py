"""Early stop of a cross-validation: whether what is left to judge can still make a network the best."""

from __future__ import annotations

import math


def chance_to_reach(right: float, judged: int, count: int, incumbent: float) -> float:
    """The probability that a network passes the incumbent once all folds have judged it.

    Its answers so far are a binomial sample of how good it is, and those to come another. That the folds are
    other pictures for both samples is in their spread; that the incumbent answered the same pictures would
    make the difference surer than this, so that rather too few are ended than too many.

    Args:
        right: pictures that it is right on so far; a picture of several labels counts by its share.
        judged: pictures that it has answered so far; at least one.
        count: pictures of all folds.
        incumbent: accuracy of the best network over all of them, 0..1.

    Returns:
        0..1.
    """
    left = count - judged
    needed = incumbent * count - right
    if needed < 0:
        return 1.0
    if needed >= left:
        return 0.0
    share = (right + 1) / (judged + 2)  # Laplace's: all right on few is not certain
    spread = math.sqrt(share * (1.0 - share) * (1.0 / judged + 1.0 / left))
    return 0.5 * math.erfc((needed / left - share) / spread / math.sqrt(2.0))
