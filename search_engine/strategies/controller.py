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
class _Pass:
    """D decisions of B vectors read forward: what the backward pass needs. The LSTM is H wide.

    Attributes:
        rows: D x B, of the embedding, that stand for the decision before.
        gates: D x B x 4H, squashed: input, forget, output, candidate.
        memory: (D + 1) x B x H, before the first decision and after each.
        squashed: D x B x H, tanh of the memory after each decision.
        output: (D + 1) x B x H, before the first decision and after each.
        probabilities: D x B x K.
    """

    rows: Ints
    gates: Floats
    memory: Floats
    squashed: Floats
    output: Floats
    probabilities: Floats


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
        # tanh(x) is 2 sigmoid(2x) - 1, and e to the power of x is many times quicker than tanh.
        self._turned = np.repeat([-1.0, -2.0], [3 * hidden, hidden])
        self._moments = (np.zeros_like(flat), np.zeros_like(flat))
        self._updates = 0

    def copy(self) -> Controller:
        """Another that knows the same, and learns on its own."""
        twin = Controller(self.sizes, self.hidden, np.random.default_rng(0))
        twin._flat[:] = self._flat  # in place: the layers are views of it
        for mine, theirs in zip(self._moments, twin._moments, strict=True):
            theirs[:] = mine
        twin._updates = self._updates
        twin._rates = self._rates  # nobody changes them
        return twin

    def sample(self, uniforms: Floats) -> Ints:
        """Vectors drawn from the policy.

        Args:
            uniforms: B x D random numbers in 0..1, which decide everything.

        Returns:
            B x D indices.
        """
        vectors = np.zeros(uniforms.shape, dtype=np.int64)
        rows = np.zeros(len(uniforms), dtype=np.int64)
        output = memory = np.zeros((len(uniforms), self.hidden))
        fed, recurrent = self._lstm()
        head, bias = self._value["head"], self._value["head_bias"] + self._mask
        for place, size in enumerate(self.sizes):
            _, memory, _, output = self._cell(fed[rows], output.dot(recurrent), memory)
            reached = _raised(output.dot(head[place]) + bias[place]).cumsum(axis=1)
            drawn = (reached < uniforms[:, place, None] * reached[:, -1:]).sum(axis=1)
            vectors[:, place] = np.minimum(drawn, size - 1)
            rows = self._offsets[place] + vectors[:, place]
        return vectors

    def probabilities(self, vectors: Ints) -> Floats:
        """B x D x K: of each choice, given the decisions before it; 0 where there is no such choice."""
        return self._forward(vectors).probabilities.swapaxes(0, 1)

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

    def _lstm(self) -> tuple[Floats, Floats]:
        """What each row of the embedding adds to the gates, and the recurrent weights, as ``_cell`` wants."""
        weights = self._value["lstm"] * self._turned
        bias = self._value["lstm_bias"] * self._turned
        return self._value["embedding"] @ weights[: self.hidden] + bias, weights[self.hidden :]

    def _cell(self, fed: Floats, recurred: Floats, memory: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """One step of the LSTM: its gates, its memory, the tanh of that, its output."""
        h = self.hidden
        gates = np.exp(fed + recurred)
        gates += 1.0
        gates = 1.0 / gates
        candidate = gates[:, 3 * h :]
        candidate *= 2.0
        candidate -= 1.0
        kept = gates[:, h : 2 * h] * memory + gates[:, :h] * candidate
        squashed = np.tanh(kept)
        return gates, kept, squashed, gates[:, 2 * h : 3 * h] * squashed

    def _forward(self, vectors: Ints) -> _Pass:
        """All that does not go from one decision to the next is worked out for all of them at once."""
        before = np.zeros_like(vectors)
        before[:, 1:] = self._offsets[:-1] + vectors[:, :-1]
        rows = np.ascontiguousarray(before.T)
        table, recurrent = self._lstm()
        fed = table[rows]
        outputs = [np.zeros((len(vectors), self.hidden))]
        memories = outputs[:]
        all_gates, all_squashed = [], []
        for place in range(len(self.sizes)):
            gates, memory, squashed, output = self._cell(fed[place], outputs[-1].dot(recurrent), memories[-1])
            all_gates.append(gates)
            memories.append(memory)
            all_squashed.append(squashed)
            outputs.append(output)
        output = np.array(outputs)
        logits = output[1:] @ self._value["head"] + (self._value["head_bias"] + self._mask)[:, None]
        raised = _raised(logits)
        chances = raised / raised.sum(axis=-1, keepdims=True)
        return _Pass(rows, np.array(all_gates), np.array(memories), np.array(all_squashed), output, chances)

    def _descend(self, vectors: Ints, weights: Floats, entropy: float) -> None:
        """Backpropagation through time."""
        h = self.hidden
        read = self._forward(vectors)
        d_logits = _d_logits(read.probabilities, vectors, weights, entropy)
        d_gates = self._back(read, d_logits @ self._value["head"].swapaxes(1, 2))
        slope = self._slope
        slope["head"][:] = read.output[1:].swapaxes(1, 2) @ d_logits
        slope["head_bias"][:] = d_logits.sum(axis=1)
        rows, flat = read.rows.ravel(), d_gates.reshape(-1, 4 * h)
        slope["lstm"][:h] = self._value["embedding"][rows].T @ flat
        slope["lstm"][h:] = read.output[:-1].reshape(-1, h).T @ flat
        slope["lstm_bias"][:] = flat.sum(axis=0)
        slope["embedding"][:] = 0.0
        np.add.at(slope["embedding"], rows, flat @ self._value["lstm"][:h].T)

    def _back(self, read: _Pass, d_outputs: Floats) -> Floats:
        """D x B x 4 x H: of the gates before they are squashed.

        Args:
            read: the forward pass.
            d_outputs: D x B x H, of each output by its own decision's logits; those after it are added here.
        """
        steps, size, h = d_outputs.shape
        gates = read.gates.reshape(steps, size, 4, h)
        entry, forget, door, candidate = (gates[:, :, i] for i in range(4))
        ratio = gates * (1 - gates)  # of each gate, by what depends on it
        ratio[:, :, 0] *= candidate
        ratio[:, :, 1] *= read.memory[:-1]
        ratio[:, :, 2] *= read.squashed
        ratio[:, :, 3] = entry * (1 - candidate**2)
        through = door * (1 - read.squashed**2)
        recurrent = self._value["lstm"][h:].T.copy()
        d_output = d_memory = np.zeros((size, h))
        for place in reversed(range(steps)):
            d_output = d_output + d_outputs[place]
            d_memory = d_memory + d_output * through[place]
            d_gates = ratio[place]
            d_door = d_gates[:, 2] * d_output
            d_gates *= d_memory[:, None]
            d_gates[:, 2] = d_door
            d_output = d_gates.reshape(size, 4 * h).dot(recurrent)
            d_memory = d_memory * forget[place]
        return ratio

    def _adam(self, rate: float) -> None:
        """Kingma and Ba 2015, with their constants."""
        self._updates += 1
        first, second = self._moments
        first += 0.1 * (self._gradient - first)
        second += 0.001 * (self._gradient**2 - second)
        scale = rate * np.sqrt(1 - 0.999**self._updates) / (1 - 0.9**self._updates)
        self._flat -= scale * self._rates * first / (np.sqrt(second) + 1e-8)


def _raised(logits: Floats) -> Floats:
    """e to the power of the logits, scaled so that the largest of a row is 1."""
    return np.asarray(np.exp(logits - logits.max(axis=-1, keepdims=True)))


def _d_logits(chances: Floats, vectors: Ints, weights: Floats, entropy: float) -> Floats:
    """D x B x K: of minus the objective, by the logits; arguments as those of ``Controller.update``."""
    steps, size, _ = chances.shape
    slopes = chances * weights[:, None]
    slopes[np.arange(steps)[:, None], np.arange(size), vectors.T] -= weights
    log_p = np.log(np.maximum(chances, 1e-12))
    surprise = log_p - (chances * log_p).sum(axis=-1, keepdims=True)
    return np.asarray(slopes + (entropy / size) * chances * surprise)


def _views(flat: Floats, shapes: dict[str, tuple[int, ...]]) -> dict[str, Floats]:
    """The parts of one row of numbers, by name and shape; changing one changes the row."""
    views, start = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        views[name] = flat[start : start + size].reshape(shape)
        start += size
    return views
