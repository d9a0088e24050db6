"""What engines keep of a data set's pictures in ``cache``: decoded pixels and activations.

They are pictures, too: who deletes a data set wants them gone.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from search_engine.data.manifest import read_manifest
from search_engine.errors import DatasetError
from webapp.datasets import storage

DIGEST_LETTERS = 16


def caches_of(dataset_folder: Path) -> set[Path]:
    """Where engines keep what they made of each version of a data set."""
    found = set()
    for manifest in (dataset_folder / "manifests").glob("*.jsonl"):
        with suppress(DatasetError):
            found.add(cache_root() / read_manifest(manifest).digest)
    return found


def discard_caches(dataset_id: int) -> None:
    """Remove what engines have made of a data set; its folder must still be there."""
    for cache in caches_of(storage.dataset_folder(dataset_id)):
        shutil.rmtree(cache, ignore_errors=True)


def sweep_caches() -> int:
    """Remove what belongs to no data set any more; how many there were."""
    # Caches are listed first: one that is found has its manifest by then.
    caches = [path for path in cache_root().glob("*") if is_cache(path)]
    if not caches:
        return 0
    folders = (Path(settings.DATA_DIR) / "datasets").glob("*")
    wanted: set[Path] = set().union(*map(caches_of, folders))
    orphans = [path for path in caches if path not in wanted]
    for path in orphans:
        shutil.rmtree(path, ignore_errors=True)
    return len(orphans)


def cache_root() -> Path:
    return Path(settings.DATA_DIR) / "cache"


def is_cache(path: Path) -> bool:
    """Not the exported trunks, which lie beside them and are of no data set."""
    return len(path.name) == DIGEST_LETTERS and not set(path.name) - set("0123456789abcdef")
