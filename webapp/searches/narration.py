"""The search's log: what happened, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search_engine.config import Plan
from search_engine.search import CONTROLS, controls
from search_engine.space.invariance import sentences
from search_engine.space.lesson import sentence
from search_engine.space.registry import ANY, HYBRID
from webapp.searches.models import LogLine, Search, Trial

if TYPE_CHECKING:
    from search_engine.events import Combined, Prepared, Refitted, SupernetDone, Trained


NAMES = {
    Trial.Kind.MAJORITY: "Always naming the most common label",
    Trial.Kind.LINEAR_PROBE: "Plain transfer learning",
    Trial.Kind.FINE_TUNE: "Plain fine-tuning",
    Trial.Kind.SUPERNET: "The shared weights",
    Trial.Kind.ENSEMBLE: "The ensemble",
}
"""Of the trials that are no networks of the search."""
MAJORITY_OF_SEVERAL = "Always giving the most common labels"


def note(search: Search, text: str, level: str = LogLine.Level.INFO) -> None:
    """Write a line into the search's log."""
    LogLine.objects.create(search_id=search.pk, level=level, text=text)


def minutes_in_words(minutes: float) -> str:
    """``0.5`` is "30 seconds", ``1`` is "1 minute", ``90`` is "1 hour 30 minutes"."""
    seconds = round(minutes * 60)
    parts = [(seconds // 3600, "hour"), (seconds // 60 % 60, "minute"), (seconds % 60, "second")]
    return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in parts if n) or "0 seconds"


def seconds_in_words(seconds: float) -> str:
    return minutes_in_words(max(1, round(seconds)) / 60)


def trial_name(trial: Trial) -> str:
    """What the page and the log call a trial, at the start of a sentence."""
    if trial.kind == Trial.Kind.REFIT:
        return f"{refitted_name(trial)}, on all pictures,"
    if trial.kind == Trial.Kind.MAJORITY and trial.search.is_multi:
        return MAJORITY_OF_SEVERAL
    return NAMES.get(Trial.Kind(trial.kind), f"Network {trial.number}")


def refitted_name(trial: Trial) -> str:
    """What the network is called that a refit trains again."""
    return network_name(trial.parent_number, trial.search)


def network_name(number: int | None, search: Search) -> str:
    """What a trial of a search that can win is called, by its number; controls come first and in order."""
    kinds = controls(Plan.from_dict(search.plan)) if search.plan else CONTROLS
    if number is None or number >= len(kinds):
        return f"Network {number}"
    return Trial.Kind(kinds[number].value).label


def in_sentence(name: str) -> str:
    """The name of a trial, not at the start of a sentence."""
    return f"{name[0].lower()}{name[1:]}"


def describe_plan(plan: Plan) -> str:
    """What was measured and what follows from it."""
    scratch = ""
    if plan.scratch_epochs:
        scratch = (
            f" Networks from scratch see {plan.scratch_resolution} × {plan.scratch_resolution} pixels; one "
            f"takes about {seconds_in_words(plan.scratch_seconds)}."
        )
    tuned = ""
    if plan.space in (HYBRID, ANY):
        tuned = " The pretrained network itself is not trained further in this search."
    if plan.unfreeze:
        stages = "last stage" if plan.unfreeze == 1 else f"last {plan.unfreeze} stages"
        tuned = (
            f" There is time to train the {stages} of the pretrained network, too: plainly, as a "
            f"control, and in networks of the search. One takes about {seconds_in_words(plan.tune_seconds)}."
        )
    return (
        f"Measured this machine: pictures are seen at {plan.resolution} × {plan.resolution} pixels, "
        f"{plan.pictures:,} of them take part in the search, and trying a network takes about "
        f"{seconds_in_words(plan.trial_seconds)}.{scratch}{tuned}{_crossed(plan)}"
    )


def _crossed(plan: Plan) -> str:
    """What cross-validation means."""
    if not plan.crossed:
        return ""
    return (
        f" The pictures are few, so each network is trained {plan.folds} times, each time without a part of "
        "them, which then judges it (cross-validation)."
    )


def describe_pictures(plan: Plan) -> list[str]:
    """Which changes of these pictures leave labels alone, and which help; nothing where nobody has tried."""
    texts = (" ".join(sentences(plan.invariances)), sentence(plan.lesson))
    return [text for text in texts if text]


def describe_prepared(event: Prepared) -> str:
    return f"Looked at {event.pictures:,} pictures in {seconds_in_words(event.seconds)}."


def describe_shared(event: SupernetDone) -> str:
    """What became of a supernet."""
    return (
        f"Tried {event.scored:,} networks with shared weights in {seconds_in_words(event.seconds)}; the most "
        "promising are trained alone now."
    )


def describe_combined(event: Combined, search: Search, *, pictures: int | None) -> str:
    """Which networks answer together, or that none are better so."""
    numbers = [str(each["number"]) for each in sorted(event.members, key=lambda each: each["number"])]
    if len(numbers) == 1:
        return f"No ensemble is better than {in_sentence(network_name(int(numbers[0]), search))} alone."
    names = f"{', '.join(numbers[:-1])} and {numbers[-1]}"
    score = score_in_words(event.accuracy, pictures, search.folds, several=search.is_multi)
    return f"The ensemble, which is numbers {names} answering together, is right on {score}."


def describe_refitted(trial: Trial, event: Refitted) -> str:
    """That a network learned once more, now from more pictures."""
    return (
        f"{refitted_name(trial)} has learned from the validation pictures, too, in "
        f"{seconds_in_words(event.seconds)}."
    )


def score_in_words(accuracy: float, pictures: int | None, folds: int = 1, *, several: bool = False) -> str:
    """ "91 of 100 validation pictures", or a share where it is not known of how many.

    Where pictures may have several labels it is a share of all their labels.
    """
    if several:
        what = "pictures that it had not learned from" if folds > 1 else "validation pictures"
        return f"{accuracy:.1%} of the labels of {f'{pictures:,}' if pictures else 'the'} {what}"
    if pictures:
        what = "pictures that it had not learned from" if folds > 1 else "validation pictures"
        return f"{round(accuracy * pictures):,} of {pictures:,} {what}"
    what = "pictures, each before it had learned from it" if folds > 1 else "validation pictures"
    return f"{accuracy:.1%} of the {what}"


def describe_trained(trial: Trial, event: Trained, *, pictures: int | None, best: bool) -> str:
    """How a trial did, e.g. "Network 7 is right on 91 of 100 validation pictures: the best so far."."""
    score = score_in_words(event.accuracy, pictures, event.folds, several=trial.search.is_multi)
    ending = ": the best so far." if best else "."
    if trial.kind != Trial.Kind.NETWORK:
        ending = ", which every network has to beat."
    return f"{trial_name(trial)} is right on {score}{ending}"


def describe_model(trial: Trial, card: dict[str, Any], *, final: bool) -> str:
    """What became of an export."""
    name = trial_name(trial)
    if not final:
        return f"{name} is ready to try; the search goes on."
    test = card.get("test")
    if not test:
        return f"Done. {name} is the finished model."
    if trial.search.is_multi:
        score = f"{test['accuracy']:.1%} of the labels of {test['n']:,}"
    else:
        score = f"{round(test['accuracy'] * test['n']):,} of {test['n']:,}"
    opened = test.get("opened", 1)
    ending = (
        "which nothing had looked at before."
        if opened == 1
        else f"which have been opened {opened} times by now; the figure may flatter a little."
    )
    return f"Done. The finished model ({in_sentence(name)}) is right on {score} test pictures, {ending}"


def describe_failure(trial: Trial, message: str) -> str:
    reason = message.rstrip(". ")
    if trial.kind == Trial.Kind.REFIT:
        return f"{refitted_name(trial)} stays as it was before the last training: {reason}."
    return f"{trial_name(trial)} could not be trained: {reason}. The search goes on without it."


def model_title(search: Search) -> str:
    """Name of the model to come: the data set's, with a number from its second search on."""
    dataset = search.version.dataset
    earlier = Search.objects.filter(version__dataset=dataset, pk__lt=search.pk).count()
    return f"{dataset.name[:110]} {earlier + 1}" if earlier else dataset.name
