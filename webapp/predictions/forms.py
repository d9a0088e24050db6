"""The form of the Try tab."""

from __future__ import annotations

from django import forms


class TryForm(forms.Form):
    """A picture. Whether it can be read is found out by reading it."""

    image = forms.FileField(
        label="Picture to try",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": "image/*"}),
        error_messages={"required": "Choose a picture first."},
    )
