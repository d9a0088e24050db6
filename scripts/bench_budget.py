"""Whether a search keeps its promise of time: drawn sets of several sizes, several budgets, one table.

    python -m scripts.bench_budget results.jsonl --pictures 100 1000 60000 --minutes 1 2 5

Times are of the whole process: imports, reading, search, last training, export and the sealed test. Results
are added to the file; what is in it is not run again.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
CORNERS = (3, 4, 5, 6, 8)
"""Of the polygons that are drawn; each number is a label."""
PROMISE = 1.1
"""Of the budget a search may take at most."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, help="JSON lines; added to")
    parser.add_argument("--pictures", type=int, nargs="+", default=[100, 1000, 10_000, 60_000])
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 2.0, 5.0, 10.0])
    parser.add_argument("--side", type=int, default=150, help="of a picture in pixels (default: 150)")
    parser.add_argument("--fit-options", nargs=argparse.REMAINDER, default=[], help="more options of fit")
    options = parser.parse_args()
    rows = read(options.results)
    for pictures in options.pictures:
        with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
            drawn = Path(folder) / "drawn.zip"
            for minutes in options.minutes:
                row = {"pictures": pictures, "side": options.side, "minutes": minutes}
                if any(row.items() <= known.items() for known in rows):
                    continue
                if not drawn.exists():
                    draw(drawn, pictures, options.side)
                row |= fitted(drawn, minutes, Path(folder) / f"{minutes:g}", options.fit_options)
                rows.append(row)
                with options.results.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                sys.stderr.write(line(row) + "\n")
    sys.stdout.write(table(rows) + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file; none if it is not there."""
    return [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []


def draw(path: Path, pictures: int, side: int) -> None:
    """A zip of JPEG files, one folder a label: polygons of random place, size, turn and colour on noise."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for index in range(pictures):
            corners = CORNERS[index % len(CORNERS)]
            image = Image.fromarray(rng.integers(0, 120, (side, side, 3), dtype=np.uint8))
            x, y = rng.uniform(0.35, 0.65, 2) * side
            turn, radius = rng.uniform(0, math.tau), rng.uniform(0.15, 0.3) * side
            angles = turn + np.arange(corners) * math.tau / corners
            points = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)
            colour = tuple(int(part) for part in rng.integers(100, 256, 3))
            ImageDraw.Draw(image).polygon([tuple(point) for point in points], fill=colour)
            data = BytesIO()
            image.save(data, "JPEG", quality=75)
            archive.writestr(f"{corners} corners/{index:06d}.jpg", data.getvalue())


def fitted(data: Path, minutes: float, out: Path, more: Sequence[str]) -> dict[str, Any]:
    """One run of ``fit``, timed from outside."""
    command = [sys.executable, "-m", "search_engine", "fit", str(data), "--minutes", f"{minutes:g}"]
    began = time.monotonic()
    done = subprocess.run(
        [*command, "--out", str(out), "--json", *more], cwd=ROOT, capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - began
    if done.returncode:
        return {"seconds": seconds, "error": done.stderr.strip().splitlines()[-1]}
    said = json.loads(done.stdout.splitlines()[-1])
    return {"seconds": seconds, "networks": said["trials"], "accuracy": said["test"]["accuracy"]}


def line(row: dict[str, Any]) -> str:
    """A row of the table."""
    share = row["seconds"] / (60 * row["minutes"])
    kept = "yes" if share <= PROMISE and "error" not in row else "**no**"
    result = row.get("error") or f"{row['networks']} | {row['accuracy']:.3f}"
    asked = f"{row['pictures']:,} | {row['minutes']:g}"
    return f"| {asked} | {row['seconds']:.0f} | {share:.0%} | {kept} | {result} |"


def table(rows: Sequence[dict[str, Any]]) -> str:
    """All rows, by pictures and minutes."""
    head = "| pictures | minutes | took s | of the budget | kept | networks | test accuracy |\n| --- "
    ordered = sorted(rows, key=lambda row: (row["pictures"], row["minutes"]))
    return "\n".join([head + "| --- " * 6 + "|", *map(line, ordered)])


if __name__ == "__main__":
    main()
