"""The family tree of a network, for its page and for the leaderboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from search_engine.space.lineage import Step
from webapp.searches.family import family_of
from webapp.searches.models import Trial

NEAREST = 8
"""Generations that are shown at once; those before them are folded."""
WIDTH, MARGIN = 200, 8
"""Of the scale on which each generation's accuracy is drawn, in units of its SVG."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A step of the line as the page shows it.

    Attributes:
        step: of the engine.
        right: how many of 100 pictures, e.g. "91.3"; empty without a result.
        tone: "gain", "loss", "noise" or empty.
        x, before: of the dot, and of the parent's dot; None without a result.
    """

    step: Step
    right: str
    tone: str
    x: float | None
    before: float | None


def family(trial: Trial | None) -> dict[str, Any]:
    """The context of ``_family.html``; empty for a control."""
    line, origin = family_of(trial) if trial else ((), "")
    if not line:
        return {}
    rewards = [step.trial.reward for step in line if step.trial.reward is not None]
    low, high = (min(rewards), max(rewards)) if rewards else (0.0, 1.0)

    def x_of(reward: float | None) -> float | None:
        if reward is None:
            return None
        share = (reward - low) / (high - low) if high > low else 0.5
        return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)

    generations = [
        Generation(
            step=step,
            right="" if step.trial.reward is None else f"{step.trial.reward * 100:.1f}",
            tone=tone(step),
            x=x_of(step.trial.reward),
            before=x_of(line[place - 1].trial.reward) if place else None,
        )
        for place, step in enumerate(line)
    ]
    folded = max(0, len(generations) - NEAREST - 1)  # the first ancestor always stays
    return {
        "origin": origin,
        "first": generations[0],
        "folded": generations[1 : folded + 1],
        "nearest": generations[folded + 1 :],
        "last": generations[-1],
        "summary": summary(line),
        "low": f"{low * 100:.1f}",
        "high": f"{high * 100:.1f}",
        "width": WIDTH,
    }


def tone(step: Step) -> str:
    if step.gain is None or step.gain == 0:
        return ""
    if step.is_noise:
        return "noise"
    return "gain" if step.gain > 0 else "loss"


def summary(line: tuple[Step, ...]) -> str:
    """The line in one sentence."""
    if len(line) == 1:
        return "It was not made from another network, so there is no change to show."
    count = len(line) - 1
    times = "once" if count == 1 else "twice" if count == 2 else f"{count} times"
    clear = sum(step.gain is not None and step.gain > 0 and not step.is_noise for step in line)
    if count == 1:
        gained = "that gained more than the noise" if clear else "what that gained is within the noise"
    else:
        told = {0: "none of the changes alone", 1: "one of the changes"}
        gained = f"{told.get(clear, f'{clear} of the changes')} gained more than the noise"
    return f"Network {line[0].trial.number} was changed {times}; {gained}."
