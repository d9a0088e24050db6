"""How lists call their columns and fields, without case and punctuation; the surest word first."""

from __future__ import annotations

import re

FILE_WORDS = (
    "imagegcsuri", "gcsfilepath", "gcsuri", "filename", "filepath", "imagepath", "imagefile", "imagefilename",
    "imagename", "file", "path", "uri", "image", "img", "picture", "imageid", "idcode", "id", "name",
)  # fmt: skip
LABEL_WORDS = (
    "label", "class", "classname", "labelname", "category", "categoryname", "displayname", "target", "tag",
    "choice",
)  # fmt: skip
LABELS_WORDS = ("labels", "classes", "categories", "tags", "targets", "choices")
USE_WORDS = ("mluse", "split", "subset", "usage", "partition")


def plain(word: str) -> str:
    """Small letters and digits only: ``Image_Path`` and ``image path`` are one word."""
    return re.sub(r"[\W_]+", "", word.lower())
