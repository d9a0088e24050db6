"""The recurrent controller of Zoph and Le (2016, arXiv:1611.01578) and ENAS (arXiv:1802.03268), in numpy.

One LSTM reads the decisions made so far and says how likely each choice of the next one is. Forward, backward
and Adam are written out here, because strategies run where torch is not imported; a batch of a dozen short
sequences is also too small for torch to be any faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

INIT = 0.1
"""Weights begin uniform in +-0.1, as in ENAS."""
BODY_RATE = 0.02
"""Learning rate of all but the output biases, as a share of theirs. The biases learn which choices are good,
from little; the recurrent weights learn which go together, and at the same rate they only learn the noise."""
NO_CHOICE = -1e9
"""Logit of a choice that a decision does not have."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What the backward pass needs of one decision; B rows each."""

    probabilities: Floats
    joined: Floats
    opened: Floats
    candidate: Floats
    before: Floats
    memory: Floats
    squashed: Floats
    output: Floats


class Controller:
    """A policy over vectors of decisions.

    Attributes:
        sizes: number of choices of each decision.
        hidden: width of the LSTM and of the embeddings.
    """

    def __init__(self, sizes: Sequence[int], hidden: int, rng: np.random.Generator) -> None:
        self.sizes = tuple(sizes)
        self.hidden = hidden
        steps, widest = len(self.sizes), max(self.sizes)
        shapes = {
            "embedding": (1 + sum(self.sizes), hidden),  # row 0: nothing decided yet
            "lstm": (2 * hidden, 4 * hidden),
            "lstm_bias": (4 * hidden,),
            "head": (steps, hidden, widest),
            "head_bias": (steps, widest),
        }
        flat = rng.uniform(-INIT, INIT, sum(int(np.prod(shape)) for shape in shapes.values()))
        self._flat, self._gradient, self._rates = flat, np.zeros_like(flat), np.full_like(flat, BODY_RATE)
        self._value = _views(self._flat, shapes)
        self._slope = _views(self._gradient, shapes)
        for name in ("lstm_bias", "head", "head_bias"):  # so the first policy is uniform
            self._value[name][:] = 0.0
        _views(self._rates, shapes)["head_bias"][:] = 1.0
        self._offsets = 1 + np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(np.int64)
        self._mask = np.where(np.arange(widest) < np.array(self.sizes)[:, None], 0.0, NO_CHOICE)
        self._halves = np.repeat([0.5, 1.0], [3 * hidden, hidden])  # sigmoid(x) is 0.5 + 0.5 tanh(x / 2)
        self._moments = (np.zeros_like(flat), np.zeros_like(flat))
        self._updates = 0

    def copy(self) -> Controller:
        """Another that knows the same, and learns on its own."""
        twin = Controller(self.sizes, self.hidden, np.random.default_rng(0))
        twin._flat[:] = self._flat  # in place: the layers are views of it
        for mine, theirs in zip(self._moments, twin._moments, strict=True):
            theirs[:] = mine
        twin._updates = self._updates
        return twin

    def sample(self, uniforms: Floats) -> Ints:
        """Vectors drawn from the policy.

        Args:
            uniforms: B x D random numbers in 0..1, which decide everything.

        Returns:
            B x D indices.
        """
        vectors = np.zeros(uniforms.shape, dtype=np.int64)
        output = memory = np.zeros((len(uniforms), self.hidden))
        for place, size in enumerate(self.sizes):
            step = self._step(vectors, place, output, memory)
            output, memory = step.output, step.memory
            drawn = (step.probabilities.cumsum(axis=1) < uniforms[:, place, None]).sum(axis=1)
            vectors[:, place] = np.minimum(drawn, size - 1)
        return vectors

    def probabilities(self, vectors: Ints) -> Floats:
        """B x D x K: of each choice, given the decisions before it; 0 where there is no such choice."""
        return np.stack([step.probabilities for step in self._forward(vectors)], axis=1)

    def update(self, vectors: Ints, weights: Floats, *, entropy: float, rate: float) -> None:
        """One step of Adam up the policy gradient (REINFORCE, Williams 1992).

        Args:
            vectors: B x D decisions taken.
            weights: B advantages, already divided by what they are to be averaged over.
            entropy: weight of the policy's mean entropy in the objective.
            rate: learning rate.
        """
        self._descend(vectors, weights, entropy)
        self._adam(rate)

    def gradient(self, vectors: Ints, weights: Floats, entropy: float) -> Floats:
        """Of minus the objective, by all parameters in a row."""
        self._descend(vectors, weights, entropy)
        return self._gradient.copy()

    def _rows(self, vectors: Ints, place: int) -> Ints:
        """Rows of the embedding that stand for the decision before."""
        if place == 0:
            return np.zeros(len(vectors), dtype=np.int64)
        return np.asarray(self._offsets[place - 1] + vectors[:, place - 1])

    def _step(self, vectors: Ints, place: int, output: Floats, memory: Floats) -> _Step:
        h = self.hidden
        joined = np.concatenate((self._value["embedding"][self._rows(vectors, place)], output), axis=1)
        gates = joined @ self._value["lstm"] + self._value["lstm_bias"]
        squeezed = np.tanh(gates * self._halves)
        opened = 0.5 + 0.5 * squeezed[:, : 3 * h]  # sigmoids: input, forget, output
        candidate = squeezed[:, 3 * h :]
        kept = opened[:, h : 2 * h] * memory + opened[:, :h] * candidate
        squashed = np.tanh(kept)
        new = opened[:, 2 * h :] * squashed
        logits = new @ self._value["head"][place] + (self._value["head_bias"][place] + self._mask[place])
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances = raised / raised.sum(axis=1, keepdims=True)
        return _Step(chances, joined, opened, candidate, memory, kept, squashed, new)

    def _forward(self, vectors: Ints) -> list[_Step]:
        output = memory = np.zeros((len(vectors), self.hidden))
        steps = []
        for place in range(len(self.sizes)):
            step = self._step(vectors, place, output, memory)
            output, memory = step.output, step.memory
            steps.append(step)
        return steps

    def _descend(self, vectors: Ints, weights: Floats, entropy: float) -> None:
        """Backpropagation through time."""
        h, rows = self.hidden, np.arange(len(vectors))
        self._gradient[:] = 0.0
        d_output = d_memory = np.zeros((len(vectors), h))
        steps = self._forward(vectors)
        for place in reversed(range(len(self.sizes))):
            step = steps[place]
            p, opened = step.probabilities, step.opened
            d_logits = p * weights[:, None]
            d_logits[rows, vectors[:, place]] -= weights
            log_p = np.log(np.maximum(p, 1e-12))
            d_logits += (entropy / len(vectors)) * p * (log_p - (p * log_p).sum(axis=1, keepdims=True))
            self._slope["head"][place] = step.output.T @ d_logits
            self._slope["head_bias"][place] = d_logits.sum(axis=0)
            d_output = d_output + d_logits @ self._value["head"][place].T
            d_memory = d_memory + d_output * opened[:, 2 * h :] * (1 - step.squashed**2)
            d_opened = np.concatenate(
                (d_memory * step.candidate, d_memory * step.before, d_output * step.squashed), axis=1
            )
            d_candidate = d_memory * opened[:, :h] * (1 - step.candidate**2)
            d_gates = np.concatenate((d_opened * opened * (1 - opened), d_candidate), axis=1)
            self._slope["lstm"] += step.joined.T @ d_gates
            self._slope["lstm_bias"] += d_gates.sum(axis=0)
            d_joined = d_gates @ self._value["lstm"].T
            np.add.at(self._slope["embedding"], self._rows(vectors, place), d_joined[:, :h])
            d_output, d_memory = d_joined[:, h:], d_memory * opened[:, h : 2 * h]

    def _adam(self, rate: float) -> None:
        """Kingma and Ba 2015, with their constants."""
        self._updates += 1
        first, second = self._moments
        first += 0.1 * (self._gradient - first)
        second += 0.001 * (self._gradient**2 - second)
        scale = rate * np.sqrt(1 - 0.999**self._updates) / (1 - 0.9**self._updates)
        self._flat -= scale * self._rates * first / (np.sqrt(second) + 1e-8)


def _views(flat: Floats, shapes: dict[str, tuple[int, ...]]) -> dict[str, Floats]:
    """The parts of one row of numbers, by name and shape; changing one changes the row."""
    views, start = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        views[name] = flat[start : start + size].reshape(shape)
        start += size
    return views
