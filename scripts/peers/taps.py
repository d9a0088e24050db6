"""Peer: taps. Logistic regression on the means of six stages and the embedding, with a mirrored view."""

from __future__ import annotations

from scripts.peers.common import Answer, Order, serve
from scripts.peers.logistic import Recipe
from scripts.peers.logistic import fit as fit_recipe


def fit(order: Order) -> Answer:
    """The taps; a mirrored view doubles the pictures, so the side may be smaller than the probe's."""
    return fit_recipe(order, Recipe(stages=(1, 2, 3, 4, 5, 6), mirrored=True))


if __name__ == "__main__":
    serve(fit)
