"""Publishing and deleting the model of a search."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from django.db import transaction

from webapp.core.errors import UserError
from webapp.searches import files
from webapp.searches.models import Search, Trial
from webapp.searches.narration import model_title
from webapp.trained.models import TrainedModel

NAME_CHARACTERS = 120


def publish_model(
    search: Search,
    trial: Trial,
    out_dir: Path,
    card: dict[str, Any],
    *,
    final: bool,
    within: Callable[[], None] | None = None,
) -> TrainedModel:
    """Make or replace the model of a search with the bundle that lies in ``out_dir``.

    The zip is written first and older revisions are removed after the row is committed, so whoever reads
    the row meets a whole bundle.

    Args:
        search: whose model it is.
        trial: the network it was made from.
        out_dir: ``models/<search id>/<revision>`` below DATA_DIR.
        card: the bundle's ``model.json``.
        final: whether the sealed test was opened for it.
        within: called inside the transaction, after the row is written; what it raises undoes everything.
    """
    zip_bundle(out_dir)
    test = card.get("test") or {}
    low, high = test.get("interval") or (None, None)
    values = {
        "trial": trial,
        "state": TrainedModel.State.FINAL if final else TrainedModel.State.PROVISIONAL,
        "revision": int(out_dir.name),
        "bundle": str(out_dir.relative_to(files.data_dir())),
        "labels": card["labels"],
        "card": card,
        "test_accuracy": test.get("accuracy"),
        "test_pictures": test.get("n"),
        "test_low": low,
        "test_high": high,
    }
    first = {"owner_id": search.owner_id, "name": model_title(search)}
    with transaction.atomic():
        model, _ = TrainedModel.objects.update_or_create(
            search=search, defaults=values, create_defaults={**first, **values}
        )
        if within:
            within()
        transaction.on_commit(lambda: _remove_older(search.pk, model.revision), robust=True)
    return model


def zip_bundle(folder: Path) -> Path:
    """Pack a bundle into ``<folder>.zip`` beside it, so that a half written zip is never seen.

    Stored, not compressed: weights do not shrink, and the download starts at once.
    """
    target = folder.with_name(f"{folder.name}.zip")
    handle, name = tempfile.mkstemp(dir=folder.parent, prefix=".zip-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
                for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                    archive.write(path, path.relative_to(folder).as_posix())
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return target


def open_bundle(model: TrainedModel) -> IO[bytes]:
    """The zip of a model, opened for reading; the caller closes it.

    Raises:
        UserError: the file is gone from the disk.
    """
    # A revision that is removed between reading the row and opening the file has a successor by then.
    for _ in range(2):
        path = model.bundle_path
        with suppress(FileNotFoundError):
            return path.with_name(f"{path.name}.zip").open("rb")
        model.refresh_from_db()
    raise missing_files(model)


def missing_files(model: TrainedModel) -> UserError:
    return UserError(
        code="bundle_missing",
        message=f"The files of the model “{model.name}” are no longer on this machine. Train it again.",
        status=410,
    )


def download_name(model: TrainedModel) -> str:
    """A file name for the download: letters of any script are kept, all else becomes a hyphen."""
    stem = "".join(c if c.isalnum() else "-" for c in model.name)
    words = "-".join(part for part in stem.split("-") if part)
    return f"{words or 'model'}.zip"


def rename_model(model: TrainedModel, name: str) -> None:
    """Give a model another name.

    Raises:
        UserError: the name is empty or too long.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_CHARACTERS:
        raise UserError(
            code="bad_name", message=f"Give the model a name of 1 to {NAME_CHARACTERS} characters."
        )
    model.name = name
    model.save(update_fields=["name", "updated_at"])


def delete_model(model: TrainedModel) -> None:
    """Delete a model and its files. The search and its leaderboard stay.

    Raises:
        UserError: the search still works on it.
    """
    if not model.search.is_over:
        raise UserError(
            code="search_running",
            message="The search still works on this model. Stop the search first, then delete the model.",
            status=409,
        )
    search_pk = model.search_id
    with transaction.atomic():
        model.delete()
        transaction.on_commit(lambda: _remove_all(search_pk), robust=True)


def _remove_all(search_pk: int) -> None:
    files.remove_below(files.models_root(), files.model_folder(search_pk))


def _remove_older(search_pk: int, revision: int) -> None:
    for path in files.model_folder(search_pk).iterdir():
        if path.stem.isdecimal() and int(path.stem) < revision:
            files.remove_below(files.models_root(), path)
