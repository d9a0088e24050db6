"""Peer: linear probe. Logistic regression on the embedding of the frozen EfficientNet-Lite0."""

from __future__ import annotations

from scripts.peers.common import Answer, Order, serve
from scripts.peers.logistic import Recipe
from scripts.peers.logistic import fit as fit_recipe


def fit(order: Order) -> Answer:
    """The probe."""
    return fit_recipe(order, Recipe())


if __name__ == "__main__":
    serve(fit)
