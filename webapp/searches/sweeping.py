"""Files of searches that are no more: a data set was deleted with them, or a worker wrote after the end."""

from __future__ import annotations

from webapp.searches import files
from webapp.searches.models import Search


def remove_orphans() -> int:
    """Delete run folders and models whose search has no row; returns how many things were deleted."""
    # Folders are listed first: a search whose folder is found has its row by then.
    found = [
        (root, path)
        for root in (files.data_dir() / "searches", files.models_root())
        if root.is_dir()
        for path in root.iterdir()
        if path.name.isdecimal()
    ]
    alive = set(Search.objects.values_list("pk", flat=True))
    orphans = [(root, path) for root, path in found if int(path.name) not in alive]
    for root, path in orphans:
        files.remove_below(root, path)
    return len(orphans)
