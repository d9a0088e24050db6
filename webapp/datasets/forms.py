"""Forms of the data set pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict


class ManyFilesInput(forms.FileInput):
    """A file input from which more than one file may come."""

    allow_multiple_selected = True

    def value_from_datadict(
        self, data: Any, files: MultiValueDict[str, UploadedFile[Any]], name: str
    ) -> list[UploadedFile[Any]]:
        return files.getlist(name)


class ManyFilesField(forms.FileField):
    """Its value is a list of files; each is checked as one would be."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        return [super(ManyFilesField, self).clean(file, initial) for file in data or []]


class UploadForm(forms.Form):
    """Pictures, however they come. What is in them is judged by the import, not here."""

    file = ManyFilesField(
        label="Pictures",
        required=False,
        allow_empty_file=True,
        widget=ManyFilesInput(attrs={"data-files": ""}),
    )
    label = forms.CharField(
        label="Label of the loose pictures",
        required=False,
        help_text="All of them get it. Leave it empty to label them later.",
        widget=forms.TextInput(attrs={"list": "labels", "autocomplete": "off"}),
    )
    path = forms.CharField(
        label="Path on the server",
        required=False,
        help_text="Of a folder or an archive. It is read where it lies, and never changed.",
        widget=forms.TextInput(attrs={"placeholder": "/srv/pictures", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("file") and not cleaned.get("path"):
            self.add_error("file", "Choose pictures first: a zip, a folder or files.")
        return cleaned


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
