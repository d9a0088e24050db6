"""Forms of the data set pages."""

from __future__ import annotations

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
    """Which pictures of a version to show."""

    label = forms.ChoiceField(label="Label", required=False)
    split = forms.ChoiceField(label="Used for", required=False)
