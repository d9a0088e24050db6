"""Data sets: pictures, labels, versions, findings, and what happened to every uploaded file."""

from webapp.datasets.models.dataset import Dataset, DatasetVersion, Edit
from webapp.datasets.models.findings import Finding
from webapp.datasets.models.images import Image, ImageLabel, Label, Opinion
from webapp.datasets.models.uploads import RejectedFile, Transfer, Upload

__all__ = [
    "Dataset",
    "DatasetVersion",
    "Edit",
    "Finding",
    "Image",
    "ImageLabel",
    "Label",
    "Opinion",
    "RejectedFile",
    "Transfer",
    "Upload",
]
