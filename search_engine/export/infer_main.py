"""Say what is on pictures, with the network in this folder.

    python infer.py picture.jpg
    python infer.py holiday/ --top-k 3

One JSON object is printed for each picture. Needs Python 3.10 or later, and onnxruntime, numpy and Pillow:

    pip install onnxruntime numpy pillow
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime

from search_engine.data.decode import to_pixels

SYSTEM_FILES = {"thumbs.db", "desktop.ini", "__macosx"}


class Prediction(NamedTuple):
    """One label and how likely it is, 0..1."""

    label: str
    probability: float


class Decision(NamedTuple):
    """The same where a picture may have several labels.

    ``chosen`` says whether this is one of them: whether the probability is at least the label's threshold.
    """

    label: str
    probability: float
    chosen: bool


Ranking = list[Prediction] | list[Decision]


class Classifier:
    """A network in a bundle. Safe to use from several threads.

    Attributes:
        labels: in the order of the network's output.
        thresholds: the probability from which a picture has each label; none where it has the likeliest.
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        labels: Sequence[str],
        thresholds: Sequence[float] = (),
    ) -> None:
        self.labels = tuple(labels)
        self.thresholds = tuple(thresholds)
        self._session = session

    def classify(self, pictures: bytes | Sequence[bytes], *, top_k: int | None = None) -> list[Ranking]:
        """The labels of each picture, most likely first.

        Args:
            pictures: the bytes of a picture file, or of several.
            top_k: how many labels to give; all if None.

        Raises:
            PictureError: a file cannot be used as a picture.
        """
        files = [pictures] if isinstance(pictures, bytes) else pictures
        return [self.rank(self.probabilities(to_pixels(data)), top_k=top_k) for data in files]

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """The probability of each label, float32 of shape (labels,), for uint8 RGB pixels (H, W, 3)."""
        answer: np.ndarray = self.probabilities_of_batch(pixels[np.newaxis])[0]
        return answer

    def probabilities_of_batch(self, pixels: np.ndarray) -> np.ndarray:
        """The same for pictures of one size: uint8 (N, H, W, 3) to float32 (N, labels)."""
        answer: np.ndarray = self._session.run(["probabilities"], {"pixels": pixels})[0]
        return answer

    def rank(self, probabilities: np.ndarray, *, top_k: int | None = None) -> Ranking:
        """Labels with their probabilities, most likely first; the earlier label wins a tie."""
        order = np.argsort(-probabilities, kind="stable")[:top_k]
        if not self.thresholds:
            return [Prediction(self.labels[i], float(probabilities[i])) for i in order]
        return [
            Decision(self.labels[i], float(probabilities[i]), float(probabilities[i]) >= self.thresholds[i])
            for i in order
        ]


def load(bundle: str | Path) -> Classifier:
    """The network in a bundle's folder, on one thread of the CPU.

    ``model.onnx`` and ``labels.json`` must be there; thresholds, if labels have such, are in ``model.json``.

    Raises:
        FileNotFoundError: a file of the bundle is missing.
        ValueError: the number of labels, or of thresholds, is not the number of the network's outputs.
    """
    folder = Path(bundle)
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    model = folder / "model.onnx"
    if not model.is_file():
        raise FileNotFoundError(f"{model} is missing. Unpack the whole bundle into one folder.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    outputs = session.get_outputs()[0].shape[-1]
    if isinstance(outputs, int) and outputs != len(labels):
        raise ValueError(f"{model} answers for {outputs} labels, but labels.json lists {len(labels)}.")
    card = folder / "model.json"
    thresholds = json.loads(card.read_text(encoding="utf-8")).get("thresholds", []) if card.is_file() else []
    if thresholds and len(thresholds) != len(labels):
        raise ValueError(
            f"{card} has {len(thresholds)} thresholds, but labels.json lists {len(labels)} labels."
        )
    return Classifier(session, labels, thresholds)


def find_files(arguments: Sequence[str]) -> Iterator[Path]:
    """The files that were named, and those in the folders that were named; hidden ones are left out."""
    for argument in arguments:
        path = Path(argument)
        if not path.is_dir():
            yield path
            continue
        for file in sorted(path.rglob("*")):
            parts = file.relative_to(path).parts
            if file.is_file() and not any(p.startswith(".") or p.lower() in SYSTEM_FILES for p in parts):
                yield file


class Answer(NamedTuple):
    """What became of one file: predictions, or an error in words."""

    file: str
    predictions: Ranking
    error: str = ""


def answer_files(
    classifier: Classifier, files: Iterable[Path], *, top_k: int | None = None, batch: int = 1
) -> Iterator[Answer]:
    """An answer for each file, in order.

    Up to ``batch`` pictures that follow each other and have one size go through the network together.
    """
    waiting: list[tuple[Path, np.ndarray]] = []

    def flush() -> Iterator[Answer]:
        if waiting:
            rows = classifier.probabilities_of_batch(np.stack([pixels for _, pixels in waiting]))
            for (file, _), row in zip(waiting, rows, strict=True):
                yield Answer(str(file), classifier.rank(row, top_k=top_k))
            waiting.clear()

    for file in files:
        try:
            pixels = to_pixels(file.read_bytes())
        except (OSError, ValueError) as error:
            yield from flush()
            yield Answer(str(file), [], _in_words(error))
            continue
        if waiting and (len(waiting) >= batch or waiting[0][1].shape != pixels.shape):
            yield from flush()
        waiting.append((file, pixels))
    yield from flush()


def _in_words(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "There is no such file."
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def print_json(answers: Iterable[Answer]) -> bool:
    """One JSON object a line. Returns whether every file could be read."""
    fine = True
    for answer in answers:
        found = [prediction._asdict() for prediction in answer.predictions]
        fine = fine and not answer.error
        what = {"error": answer.error} if answer.error else {"predictions": found}
        sys.stdout.write(json.dumps({"file": answer.file, **what}, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    return fine


def print_csv(answers: Iterable[Answer], *, several: bool = False) -> bool:
    """One line for each file and label. Returns whether every file could be read.

    ``several`` adds a column that says whether the picture has the label: 1 or 0.
    """
    fine = True
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["file", "rank", "label", "probability", *["chosen"] * several, "error"])
    for answer in answers:
        if answer.error:
            fine = False
            table.writerow([answer.file, "", "", "", *[""] * several, answer.error])
        for rank, (label, probability, *chosen) in enumerate(answer.predictions, start=1):
            table.writerow([answer.file, rank, label, f"{probability:.6f}", *map(int, chosen), ""])
    return fine


def positive(text: str) -> int:
    """A whole number from 1."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def main(arguments: Sequence[str] | None = None, *, bundle: Path | None = None) -> int:
    """The command line. Returns the exit code: 1 if a file could not be read, else 0."""
    parser = argparse.ArgumentParser(
        description="Say what is on pictures. Prints one JSON object for each picture.",
        epilog="The exit code is 1 if a picture could not be read; its line then says why.",
    )
    parser.add_argument(
        "files", nargs="+", metavar="IMAGE_OR_FOLDER", help="pictures, or folders of pictures"
    )
    parser.add_argument("--top-k", type=positive, metavar="K", help="give only the K most likely labels")
    parser.add_argument(
        "--batch",
        type=positive,
        default=1,
        metavar="N",
        help="pictures of one size that go through the network together (default: 1)",
    )
    parser.add_argument("--csv", action="store_true", help="print a table instead of JSON")
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # names in any script, on any terminal and into any pipe
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    classifier = load(bundle or Path(__file__).resolve().parent)
    answers = answer_files(classifier, find_files(options.files), top_k=options.top_k, batch=options.batch)
    if options.csv:
        return 0 if print_csv(answers, several=bool(classifier.thresholds)) else 1
    return 0 if print_json(answers) else 1


if __name__ == "__main__":
    sys.exit(main())
