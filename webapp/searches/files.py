"""Where a search's files lie, and the one way to remove them."""

from __future__ import annotations

import shutil
from pathlib import Path

from django.conf import settings


def data_dir() -> Path:
    return Path(settings.DATA_DIR)


def run_folder(search_pk: int) -> Path:
    """Checkpoints of a search and the seal of its test split."""
    return data_dir() / "searches" / str(search_pk)


def models_root() -> Path:
    return data_dir() / "models"


def model_folder(search_pk: int) -> Path:
    """Holds one folder a revision of the search's model, and a zip of it beside."""
    return models_root() / str(search_pk)


def next_bundle(search_pk: int) -> Path:
    """A folder that no export has used; what a dead export left behind is never written into."""
    used = [int(p.stem) for p in model_folder(search_pk).glob("*") if p.stem.isdecimal()]
    return model_folder(search_pk) / str(max(used, default=0) + 1)


def remove_below(root: Path, path: Path) -> None:
    """Delete a file or folder, but only if it really lies below a folder of ours.

    Paths come from rows, and a row that was tampered with must not delete anything else.

    Raises:
        ValueError: the path is not below the root.
    """
    resolved = path.resolve()
    if root.resolve() not in resolved.parents:
        raise ValueError(f"{path} does not lie below {root}; nothing was deleted.")
    if resolved.is_dir():
        shutil.rmtree(resolved)
    else:
        resolved.unlink(missing_ok=True)
