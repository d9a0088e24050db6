"""The form that starts a search."""

from __future__ import annotations

from typing import Any

from django import forms

BUDGETS = (
    ("2", "Quick look", "2 min", "A first impression, and a network to play with."),
    ("10", "Good", "10 min", "Enough to beat plain transfer learning on most pictures."),
    ("60", "Best", "1 hour", "For when the last few pictures of a hundred matter."),
)
OTHER = "other"


class TrainForm(forms.Form):
    """How long, and with which seed. The limits are the service's."""

    budget = forms.ChoiceField(
        choices=[*((value, title) for value, title, _, _ in BUDGETS), (OTHER, "Other")], initial="10"
    )
    minutes = forms.FloatField(
        label="Minutes",
        required=False,
        widget=forms.NumberInput(attrs={"step": "any", "min": "0.5", "max": "1440"}),
    )
    seed = forms.IntegerField(
        label="Seed",
        required=False,
        min_value=0,
        max_value=2**31 - 1,
        help_text="Rules every random choice. The same seed on the same pictures proposes the same networks.",
    )

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
