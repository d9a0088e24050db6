"""Folders and archives that lie on the server already: administrators may name them, and they stay there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from webapp.core.errors import UserError
from webapp.datasets import services
from webapp.datasets.models import Dataset, Upload
from webapp.datasets.receiving import checked_label

if TYPE_CHECKING:
    from webapp.accounts.models import User

MAX_PATH = 1024  # what an upload's row holds


def add_server_path(*, dataset: Dataset, user: User, path: str, label: str = "") -> Upload:
    """Have a folder or an archive on the server imported from where it lies; it is read, never changed.

    Args:
        label: for pictures in it that come without one.

    Raises:
        UserError: the user is no administrator (403), or the path will not do.
    """
    if not user.is_superuser:
        raise UserError(
            "forbidden",
            "Only administrators may import from a folder on the server. Upload the pictures instead.",
            status=403,
        )
    found = checked_path(path)
    # A folder's size says nothing and takes long to add up; what is in it is counted by the import.
    size = found.stat().st_size
    return services.add_upload(
        dataset,
        name=found.name[:255],
        path=str(found),
        size=size,
        label=checked_label(label),
        kind=Upload.Kind.SERVER,
    )


def checked_path(text: str) -> Path:
    """The folder or file that a path leads to, with links followed.

    Raises:
        UserError: there is none, it cannot be read, or it is Netwright's own.
    """
    text = text.strip()
    if "\0" in text or not Path(text).is_absolute():
        raise refused("Give the whole path, from the root on, such as /srv/pictures.")
    try:
        path = Path(text).resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        raise refused(f"There is nothing at {text[:200]} on the server. Is it spelled right?") from None
    except (OSError, RuntimeError):  # RuntimeError: links that lead in a circle
        raise refused(f"{text[:200]} cannot be reached on the server. Check its permissions.") from None
    if not (path.is_dir() or path.is_file()):
        raise refused(f"{text[:200]} is neither a folder nor a file.")
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise refused(f"Netwright may not read {text[:200]}. Give its user the right to, then try again.")
    data = Path(settings.DATA_DIR).resolve()
    if path.is_relative_to(data) or data.is_relative_to(path):
        raise refused(f"{text[:200]} holds Netwright's own data. Choose a folder that holds pictures only.")
    if len(str(path)) > MAX_PATH:
        raise refused(f"This path has {len(str(path))} characters; at most {MAX_PATH} will do.")
    return path


def refused(message: str) -> UserError:
    return UserError("invalid_path", message)
