"""The search for an augmentation policy by density matching, as in Fast AutoAugment (Lim et al. 2019).

A network that was trained without augmentation looks at held-out pictures that a sub-policy has changed. No
network is trained for a sub-policy, so hundreds can be tried; the strategies that propose networks propose
them. Fast AutoAugment takes those with the least loss, which change next to nothing. Here the labels have to
survive, within the noise, and of the sub-policies that they survive those are taken that change most.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from search_engine.errors import Cancelled
from search_engine.space.policies import Policy, PolicySpace, SubPolicy
from search_engine.space.scratch import PIXELS
from search_engine.strategies import STRATEGIES
from search_engine.trainer.loop import EVAL_BATCH, Examples
from search_engine.trainer.loss import entropy, right
from search_engine.trainer.policy import follow
from search_engine.trial import Kind, Origin, Trial, TrialState

TRIES = 150
"""Sub-policies that are looked at if time allows."""
KEPT = 8
"""Of these, how many make the policy at most; AutoAugment has 25, from 15,000."""
SHARED = 2
"""Of these, how many may have an operation in common."""
SURVIVED = 0.5
"""Rewards above it are of sub-policies that labels survive."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the network said of held-out pictures.

    Attributes:
        accuracy: 0..1.
        loss: mean cross-entropy, nats.
        error: standard error of the accuracy.
    """

    accuracy: float
    loss: float
    error: float


def search_policy(
    model: nn.Module,
    held_out: Examples,
    *,
    strategy: str,
    seconds: float,
    seed: int,
    should_stop: Callable[[], bool],
    tries: int = TRIES,
) -> Policy:
    """The sub-policies that change most of those that leave the labels alone; none if none was found.

    Args:
        model: trained on other pictures, without augmentation.
        held_out: pixels and labels.
        strategy: name in ``STRATEGIES``, to propose sub-policies.
        seconds: limit.
        seed: of the strategy and of the changes.
        should_stop: asked before each look.
        tries: sub-policies at the most.

    Raises:
        Cancelled: ``should_stop`` said so.
    """
    started = time.monotonic()
    space = PolicySpace()
    asked = STRATEGIES[strategy](space, seed, tries)
    plain = look(model, held_out, None, seed)
    found: dict[str, tuple[float, SubPolicy]] = {}
    for number in range(tries):
        if should_stop():
            raise Cancelled("the search for an augmentation was stopped")
        if number and time.monotonic() - started > seconds:
            break
        [proposal] = asked.suggest(1)
        pair, key = space.pair(proposal.vector), space.key(proposal.vector)
        reward = reward_of(plain, look(model, held_out, (pair,), seed))
        found[key] = (reward, pair)
        trial = Trial(
            number=number,
            kind=Kind.NETWORK,
            origin=Origin.STRATEGY,
            state=TrialState.FINISHED,
            vector=proposal.vector,
            key=key,
            parent=proposal.parent,
            reward=reward,
        )
        asked.update([trial], [])
    return combined(found.values())


def combined(found: Iterable[tuple[float, SubPolicy]]) -> Policy:
    """The best sub-policies that labels survive, no operation in more than ``SHARED`` of them.

    Strategies end by trying one operation in many ways, and a policy of one operation teaches little.
    """
    chosen: list[SubPolicy] = []
    uses: Counter[str] = Counter()
    for reward, pair in sorted(found, key=lambda each: -each[0]):
        operations = {use.operation for use in pair if use.probability}
        if reward > SURVIVED and operations and all(uses[name] < SHARED for name in operations):
            chosen.append(pair)
            uses.update(operations)
    return tuple(chosen[:KEPT])


def reward_of(plain: Look, changed: Look) -> float:
    """Above ``SURVIVED`` if the labels survive, the more are the pictures changed; else below.

    Labels survive if accuracy is within a standard error of that on plain pictures; how much a network is
    taken aback, its loss, says how much they are changed.
    """
    if changed.accuracy < plain.accuracy - plain.error:
        return SURVIVED * changed.accuracy / max(plain.accuracy, 1e-6)
    return 1.0 - (1.0 - SURVIVED) * math.exp(-max(0.0, changed.loss - plain.loss))


@torch.inference_mode()
def look(model: nn.Module, examples: Examples, policy: Policy | None, seed: int) -> Look:
    """What a network says of pictures, changed by a policy or plain. The same seed, the same changes."""
    model.eval()
    generator = torch.Generator().manual_seed(seed)
    parts: list[Tensor] = []
    for rows in torch.split(torch.arange(len(examples)), EVAL_BATCH):
        pixels = examples.batch(rows)[0][PIXELS]
        parts.append(model({PIXELS: follow(pixels, policy, generator) if policy else pixels}))
    logits, labels = torch.cat(parts), examples.labels
    accuracy = float(right(logits, labels).mean())
    # A share of all counts as half a picture off, so that no error is nothing.
    share = min(accuracy, 1.0 - 0.5 / len(labels))
    error = math.sqrt(share * (1.0 - share) / len(labels))
    return Look(accuracy, float(entropy(logits, labels)), error)
