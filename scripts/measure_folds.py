"""What cross-validation buys on few pictures, against one validation split, at equal time.

    python scripts/measure_folds.py TRAIN.zip --pictures 300 --draws 4 --minutes 2

Of each zip of label folders some pictures are drawn to learn from, and others to test; one JSON line a run.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

FOLDS = (1, 5)


def main() -> None:
    """Draw, search, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zips", nargs="+", type=Path, metavar="ZIP")
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--test", type=int, default=400)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--trials", type=int, help="stop after so many networks instead")
    options = parser.parse_args()
    for draw in range(options.draws):
        for source in options.zips:
            with tempfile.TemporaryDirectory(prefix="folds-") as scratch:
                folder = Path(scratch)
                draw_pictures(source, folder, options.pictures, options.test, draw)
                for folds in FOLDS:
                    line = json.dumps(run(folder, source.stem, draw, folds, options))
                    print(line, flush=True)  # noqa: T201


def draw_pictures(source: Path, folder: Path, pictures: int, test: int, draw: int) -> None:
    """Write ``train`` and ``test`` folders; what is in both would be left out by the command line."""
    with zipfile.ZipFile(source) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        random.Random(f"{source.stem}:{draw}").shuffle(names)  # noqa: S311
        for place, name in enumerate(names[: pictures + test]):
            path = folder / ("train" if place < pictures else "test") / Path(name).parent.name
            path.mkdir(parents=True, exist_ok=True)
            (path / Path(name).name).write_bytes(archive.read(name))


def run(folder: Path, name: str, draw: int, folds: int, options: argparse.Namespace) -> dict[str, object]:
    """One search, as a line of figures."""
    bundle = folder / "bundle"
    shutil.rmtree(bundle, ignore_errors=True)
    arguments = [sys.executable, "-m", "search_engine", "fit", str(folder / "train")]
    arguments += ["--test", str(folder / "test"), "--out", str(bundle), "--slots", "1", "--json"]
    arguments += ["--minutes", str(options.minutes), "--seed", str(draw), "--folds", str(folds)]
    arguments += ["--trials", str(options.trials)] if options.trials else []
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    result = json.loads(done.stdout)
    validation, test = result["validation"], result["test"]
    return {
        "set": name,
        "draw": draw,
        "folds": folds,
        "trials": result["trials"],
        "seconds": result["seconds"],
        "judged_on": validation["n"],
        "validation": round(validation["accuracy"], 4),
        "test": round(test["accuracy"], 4),
        "optimism": round(validation["accuracy"] - test["accuracy"], 4),
        "validation_log_loss": round(validation["log_loss"], 4),
        "test_log_loss": round(test["log_loss"], 4),
    }


if __name__ == "__main__":
    main()
