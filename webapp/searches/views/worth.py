"""What a search was worth, in words and on a scale, for the leaderboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from search_engine.evaluate.worth import Comparison, Question, Scored, worth
from search_engine.objective import factor_of
from search_engine.trial import Kind, Origin
from webapp.searches.models import Search, Trial
from webapp.searches.replay import DEFAULT_OBJECTIVE, search_config, top_rung
from webapp.searches.views.ranking import arms, finished

WIDTH, MARGIN = 240, 12
"""Of the scale, in units of its SVG."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One comparison as the page shows it.

    Attributes:
        question: in words.
        comparison: of the engine.
        headline: "1.8 of 100 better".
        verdict: how sure that is, as a sentence.
        tone: "better", "worse" or "chance".
        low, high, dot: places on the scale; low and high are None without an interval.
    """

    question: str
    comparison: Comparison
    headline: str
    verdict: str
    tone: str
    low: float | None
    high: float | None
    dot: float


def arm_figures(trials: list[Trial]) -> dict[str, float | None]:
    """Best accuracy of each arm and of each control."""

    def best(some: list[Trial]) -> float | None:
        return max((trial.accuracy or 0.0 for trial in some), default=None)

    ours, random = arms(trials)
    done = finished(trials)
    return {
        "search": best(ours),
        "random": best(random),
        "probe": best([t for t in done if t.kind == Trial.Kind.LINEAR_PROBE]),
        "tuned": best([t for t in done if t.kind == Trial.Kind.FINE_TUNE]),
        "majority": best([t for t in done if t.kind == Trial.Kind.MAJORITY]),
    }


def answers(search: Search, trials: list[Trial]) -> dict[str, Any]:
    """The context of ``_worth.html``: what was compared, on one common scale."""
    ours, random = arms(trials)
    controls = [t for t in finished(trials) if t.origin == Trial.Origin.CONTROL]
    right = dict(search.trials.exclude(right="").values_list("number", "right"))
    config = search_config(search)
    scored = [
        Scored(
            t.number,
            Kind(t.kind),
            Origin(t.origin),
            t.accuracy or 0.0,
            right.get(t.number, ""),
            factor_of(config, t.latency_ms),
        )
        for t in sorted([*ours, *random, *controls], key=lambda trial: trial.number)
    ]
    found = worth(scored, search.seed)
    briefly = top_rung(search) > 0
    ends = [end for c in found for end in (c.low, c.high, c.difference) if end is not None]
    low, high = min([0.0, *ends]), max([0.0, *ends])

    def x_of(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)

    return {
        "answers": [
            Answer(
                question=question(c),
                comparison=c,
                headline=headline(c),
                verdict=verdict(c, briefly=briefly, several=search.is_multi),
                tone="chance"
                if c.may_be_chance and c.difference
                else "better"
                if c.difference > 0
                else "worse",
                low=None if c.low is None else x_of(c.low),
                high=None if c.high is None else x_of(c.high),
                dot=x_of(c.difference),
            )
            for c in found
        ],
        "zero": x_of(0.0),
        "width": WIDTH,
        "pictures": max((c.pictures for c in found), default=0),
        "by_accuracy": search.objective == DEFAULT_OBJECTIVE,
    }


def question(c: Comparison) -> str:
    drawn = f"the best of {c.second_tries} drawn at random" if c.second_tries > 1 else "one drawn at random"
    if c.question is Question.FAIR:
        if c.first_tries == 1:
            return "The search's first network, against the first drawn at random"
        return f"The best of the search's first {c.first_tries} networks, against {drawn}"
    if c.question is Question.ALL:
        return f"The best of all {c.first_tries} networks of the search, against {drawn}"
    control = "plain transfer learning" if c.question is Question.PROBE else "plain fine-tuning"
    return f"The best network, against {control}"


def headline(c: Comparison) -> str:
    """The difference in words: "1.8 of 100 better"."""
    points = f"{abs(c.difference) * 100:.1f}"
    if points == "0.0":
        return "No difference"
    return f"{points} of 100 {'better' if c.difference > 0 else 'worse'}"


def verdict(c: Comparison, *, briefly: bool = False, several: bool = False) -> str:
    """How sure that is; and, where one side had more tries or more training, that it had.

    Args:
        c: the comparison.
        briefly: whether the search trained its networks briefly first, and only the best of them in full.
        several: whether pictures may have several labels.
    """
    if c.low is None or c.high is None:
        sure = "How sure that is cannot be said: it was not written down which pictures each is right on."
    elif c.low == c.high == 0.0:
        what = "labels of the" if several else "of"
        sure = f"Both are right on the very same {what} {c.pictures:,} pictures."
    else:
        interval = f"95 % interval {signed(c.low)} to {signed(c.high)}, on the same {c.pictures:,} pictures"
        sure = f"{interval}: that may be chance." if c.may_be_chance else f"{interval}."
    if c.question is Question.ALL and c.first_tries != c.second_tries:
        more = "more" if c.first_tries > c.second_tries else "fewer"
        return f"{sure} The search had {more} tries, and more tries find more by luck alone."
    if c.question is Question.FAIR and briefly:
        return (
            f"{sure} As many networks on either side, but not as much training: the search picked its own "
            "out of many that it trained briefly, and the random ones were trained in full unpicked."
        )
    if c.question is Question.FAIR:
        return f"{sure} As many tries on either side."
    return sure


def signed(share: float) -> str:
    """``-0.012`` is "−1.2"."""
    text = f"{share * 100:+.1f}".replace("-", "−")
    return "0" if text[1:] == "0.0" else text
