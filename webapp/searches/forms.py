"""The forms that start a search and give it more time."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.forms.models import ModelChoiceIteratorValue
from django.utils.formats import date_format
from django.utils.timezone import localtime

from webapp.searches.choices import (
    DEFAULTS,
    MAX_MILLIONS,
    MILLION,
    SearchChoices,
    Words,
    fidelities,
    objectives,
    savings,
    spaces,
    strategies,
    trunks,
)
from webapp.searches.models import Search

BUDGETS = (
    ("2", "Quick look", "2 min", "A first impression, and a network to play with."),
    ("10", "Good", "10 min", "Enough to beat plain transfer learning on most pictures."),
    ("60", "Best", "1 hour", "For when the last few pictures of a hundred matter."),
)
OTHER = "other"
MINUTES = forms.NumberInput(attrs={"step": "any", "min": "0.5", "max": "1440"})


def titles(words: dict[str, Words]) -> list[tuple[str, str]]:
    """Words as a form field wants them."""
    return [(name, choice.title) for name, choice in words.items()]


class EarlierSelect(forms.Select):
    """Says of each search what it looked among, so that the page can keep both choices together."""

    def create_option(self, name: str, value: Any, *args: Any, **options: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **options)
        if isinstance(value, ModelChoiceIteratorValue):
            search: Search = value.instance  # type: ignore[attr-defined]
            option["attrs"]["data-space"] = search.space
        return option


class EarlierSearch(forms.ModelChoiceField):  # type: ignore[type-arg]
    """An earlier search, named by its day and what its best network can do."""

    widget = EarlierSelect

    def label_from_instance(self, obj: Any) -> str:  # with what ``startable`` adds
        day = date_format(localtime(obj.created_at), "j F, H:i")
        kind = spaces()[obj.space].title if obj.space in spaces() else obj.space
        what = "of labels right" if obj.is_multi else "right"
        return f"{day}: {obj.best_accuracy:.1%} {what}, {kind[0].lower()}{kind[1:]}"


class TrainForm(forms.Form):
    """How long, and what else may be chosen. What makes sense is the service's to say.

    Args:
        earlier: searches that this one may start from.
    """

    budget = forms.ChoiceField(
        choices=[*((value, title) for value, title, _, _ in BUDGETS), (OTHER, "Other")], initial="10"
    )
    minutes = forms.FloatField(label="Minutes", required=False, widget=MINUTES)
    strategy = forms.ChoiceField(label="How networks are proposed", required=False, initial=DEFAULTS.strategy)
    space = forms.ChoiceField(label="What is searched", required=False, initial=DEFAULTS.space)
    fidelity = forms.ChoiceField(
        label="How long each network is trained", required=False, initial=DEFAULTS.fidelity
    )
    max_latency_ms = forms.FloatField(
        label="Milliseconds a picture, at most",
        required=False,
        widget=forms.NumberInput(attrs={"step": "any", "min": "0.1", "placeholder": "No limit"}),
        help_text="How long the network may take on this machine for one picture.",
    )
    max_millions = forms.FloatField(
        label="Million parameters, at most",
        required=False,
        max_value=MAX_MILLIONS,
        widget=forms.NumberInput(attrs={"step": "any", "min": "0.001", "placeholder": "No limit"}),
        help_text="How many numbers it may hold. A million of them make a file of 4 MB.",
    )
    start_from = EarlierSearch(
        label="Start from",
        required=False,
        queryset=Search.objects.none(),
        empty_label="Nothing: begin afresh",
        help_text="The best network of an earlier search is tried first. It has to be of the kind that is "
        "searched now.",
    )
    seed = forms.IntegerField(
        label="Seed",
        required=False,
        min_value=0,
        max_value=2**31 - 1,
        widget=forms.NumberInput(attrs={"placeholder": "0"}),
        help_text="Rules every random choice. The same seed on the same pictures proposes the same networks.",
    )

    objective = forms.ChoiceField(label="What counts", required=False, initial=DEFAULTS.objective)
    trunk = forms.ChoiceField(label="Which pretrained network", required=False, initial=DEFAULTS.trunk)
    saving = forms.ChoiceField(
        label="What short trainings have less of", required=False, initial=DEFAULTS.saving
    )
    random_percent = forms.FloatField(
        label="Per cent of the training for networks drawn at random",
        required=False,
        min_value=0,
        max_value=100,
        widget=forms.NumberInput(attrs={"step": "any", "placeholder": f"{100 * DEFAULTS.random_share:g}"}),
        help_text="They show what the search is worth. With 0 nothing can be said about that.",
    )
    prefilter = forms.BooleanField(
        label="Let size decide what is trained, as long as it foretells how good networks are",
        required=False,
    )
    whole = forms.BooleanField(label="End no training early, however bad it looks", required=False)
    alone = forms.BooleanField(
        label="One network only, even if several are better together",
        required=False,
    )

    def __init__(self, data: Any = None, *, earlier: QuerySet[Search]) -> None:
        super().__init__(data)
        for name, words in (
            ("strategy", strategies()),
            ("space", spaces()),
            ("fidelity", fidelities()),
            ("objective", objectives()),
            ("trunk", trunks()),
            ("saving", savings()),
        ):
            self.fields[name].choices = titles(words)  # type: ignore[attr-defined]
        if earlier.exists():
            self.fields["start_from"].queryset = earlier  # type: ignore[attr-defined]
        else:
            del self.fields["start_from"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("budget") == OTHER and data.get("minutes") is None and "minutes" not in self.errors:
            self.add_error("minutes", "Say how many minutes the search may take.")
        return data

    @property
    def budget_minutes(self) -> float:
        """What was asked for, once the form is valid."""
        data = self.cleaned_data
        return float(data["minutes"] if data["budget"] == OTHER else data["budget"])

    @property
    def choices(self) -> SearchChoices:
        """What was chosen, once the form is valid; what was left out is the default."""
        data = self.cleaned_data
        millions, percent = data["max_millions"], data["random_percent"]
        return SearchChoices(
            strategy=data["strategy"] or DEFAULTS.strategy,
            space=data["space"] or DEFAULTS.space,
            fidelity=data["fidelity"] or DEFAULTS.fidelity,
            max_latency_ms=data["max_latency_ms"],
            max_parameters=None if millions is None else round(millions * MILLION),
            start_from=data.get("start_from"),
            objective=data["objective"] or DEFAULTS.objective,
            trunk=data["trunk"] or DEFAULTS.trunk,
            saving=data["saving"] or DEFAULTS.saving,
            random_share=DEFAULTS.random_share if percent is None else percent / 100,
            prefilter=data["prefilter"],
            early_stop=not data["whole"],
            ensemble=not data["alone"],
        )


class MinutesForm(forms.Form):
    """How many minutes to add."""

    minutes = forms.FloatField(label="Minutes to add", initial=5, widget=MINUTES)
