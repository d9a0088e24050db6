"""Forms of the data set pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms


class UploadForm(forms.Form):
    """A zip of pictures. What is in it is judged by the import, not here."""

    file = forms.FileField(
        label="Zip file",
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
        allow_empty_file=True,
        error_messages={"required": "Choose a zip file first."},
    )


class NewDatasetForm(UploadForm):
    """A name and the first pictures."""

    name = forms.CharField(
        label="Name", help_text="What the pictures show, so that you find them again.", max_length=120
    )
    field_order = ("name", "file")


class PictureFilterForm(forms.Form):
    """Which pictures of a version to show, and in which order; what offers no choice is left out."""

    q = forms.CharField(label="Name has", required=False, max_length=200, widget=forms.SearchInput)
    LABELS: ClassVar = {
        "label": "Label",
        "split": "Used for",
        "finding": "Finding",
        "size": "Size",
        "model": "Model says",
        "show": "Show",
        "sort": "Order",
    }

    def __init__(self, data: Mapping[str, Any], *, choices: Mapping[str, list[tuple[str, Any]]]) -> None:
        super().__init__(data)
        for name, label in self.LABELS.items():
            if len(choices[name]) > 1:
                self.fields[name] = forms.ChoiceField(label=label, required=False, choices=choices[name])
        self.order_fields([*self.LABELS, "q"])

    @property
    def chosen(self) -> dict[str, str]:
        """What was chosen; what makes no sense counts as nothing."""
        self.is_valid()
        return dict(self.cleaned_data)
