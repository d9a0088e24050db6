"""The bundle: everything needed to use a model elsewhere, with the figures that say how good it is."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from search_engine import __version__
from search_engine.data.decode import to_pixels
from search_engine.data.manifest import Picture
from search_engine.evaluate.seal import break_seal
from search_engine.evaluate.task import Task
from search_engine.events import EventSink, Progress
from search_engine.export.onnx import ServingModel, verify, write_onnx
from search_engine.export.readme import bundle_readme
from search_engine.export.script import infer_script
from search_engine.space.architecture import Genome
from search_engine.space.canonical import key_of
from search_engine.space.cost import Cost
from search_engine.trial import Kind
from search_engine.trunk.features import write_array
from search_engine.trunk.graph import OPSET, session

PARITY_PICTURES = 64
EARLY_PARITY_PICTURES = 8  # a provisional model is awaited, and torch takes 0.1 s a picture
FORMAT = 1
TEST_ANSWERS = "test-answers.npy"
"""In a search's folder: what the finished model said of the test pictures, (N, classes) probabilities."""

TargetsOf = Callable[[tuple[Picture, ...]], np.ndarray]


@dataclass(frozen=True, slots=True)
class Member:
    """A network of a model.

    Attributes:
        number, kind, genome: of its trial.
        share: of the answer, 0..1.
        refit: whether it was fitted again on training and validation pictures together.
    """

    number: int
    kind: Kind
    genome: Genome
    share: float = 1.0
    refit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is exported.

    Attributes:
        number: of the trial.
        model: as it serves.
        members: the networks in it, the weightiest first.
        cost: of the whole.
        title: for people.
        labels: in the order of the outputs.
        task: what is asked about them.
        thresholds: the probability from which each label is given, where pictures may have several.
        validation: accuracy, log loss, calibration error and n, before any second fit.
        splits: pictures by split.
        search_round: how often the search was continued; each round opens the test split anew.
    """

    number: int
    model: ServingModel
    members: tuple[Member, ...]
    cost: Cost
    title: str
    labels: tuple[str, ...]
    task: Task
    thresholds: tuple[float, ...] = ()
    validation: dict[str, Any]
    splits: dict[str, int]
    search_round: int = 0

    @property
    def keys(self) -> str:
        """The genomes' hashes."""
        return "+".join(key_of(member.genome) for member in self.members)


def write_bundle(
    subject: Subject,
    out: Path,
    *,
    root: Path,
    validation: tuple[Picture, ...],
    test: tuple[Picture, ...],
    targets: TargetsOf,
    run: Path,
    sink: EventSink,
) -> dict[str, Any]:
    """Write a bundle folder in one step and return its ``model.json``.

    The figures come from the written ONNX file on the original pictures, decoded as ``infer.py`` decodes
    them: what is measured is what is served.

    Args:
        subject: the network and what is known of it.
        out: the bundle's folder; must not exist.
        root: of the pictures' paths.
        validation: pictures for the parity check while the test split stays sealed.
        test: the sealed pictures if this is the final model, else empty.
        targets: of pictures, as numbers.
        run: folder of the search, where the seal is.
        sink: gets progress.

    Raises:
        ExportError: torch and the written file disagree.
        SealError: the test split was opened before in this round, for another network.
    """
    building = out.with_name(f"{out.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    onnx_file = building / "model.onnx"
    sink.emit(Progress(phase="export", text="Writing the network to a file"))
    write_onnx(subject.model, onnx_file)
    digest = hashlib.sha256(onnx_file.read_bytes()).hexdigest()
    fingerprint = f"trial {subject.number}, genome {subject.keys}"
    opened = break_seal(run, fingerprint, search_round=subject.search_round) if test else 0
    sink.emit(Progress(phase="export", text="Checking that the file answers like the network"))
    proof, wanted = (test, PARITY_PICTURES) if test else (validation, EARLY_PARITY_PICTURES)
    step = max(1, len(proof) // wanted)
    parity = verify(subject.model, onnx_file, _pixels(root, proof[::step]))
    card = _card(subject, parity, onnx_file.stat().st_size, digest)
    card["test"] = None
    if test:
        answers = _answers(onnx_file, root, test, sink)
        write_array(run / TEST_ANSWERS, answers)  # so that nobody has to ask again
        report = subject.task.report(answers, targets(test), subject.labels, subject.thresholds)
        card["test"] = report | {"opened": opened}
    _write_files(building, card, _sample(root, validation), subject)
    building.rename(out)
    return card


def _pixels(root: Path, pictures: tuple[Picture, ...]) -> Iterator[np.ndarray]:
    for picture in pictures:
        yield to_pixels((root / picture.path).read_bytes())


def _answers(onnx_file: Path, root: Path, test: tuple[Picture, ...], sink: EventSink) -> np.ndarray:
    """(N, classes) probabilities, asked the one time that the sealed pictures are looked at."""
    runtime = session(str(onnx_file))
    rows = []
    for done, pixels in enumerate(_pixels(root, test)):
        if done % 16 == 0:
            text = "Asking it about pictures it has never seen"
            sink.emit(Progress(phase="export", text=text, done=done, total=len(test)))
        rows.append(runtime.run(["probabilities"], {"pixels": pixels[None]})[0][0])
    return np.stack(rows)


def _card(subject: Subject, parity: dict[str, float], size: int, digest: str) -> dict[str, Any]:
    first = subject.members[0]
    return {
        "format": FORMAT,
        "name": subject.title,
        "kind": first.kind.value if len(subject.members) == 1 else Kind.ENSEMBLE.value,
        "task": subject.task.name,
        "labels": list(subject.labels),
        **({"thresholds": list(subject.thresholds)} if subject.task.is_multi else {}),
        "genome": first.genome.to_dict(),
        "genome_hash": key_of(first.genome),
        "members": [
            {
                "trial": member.number,
                "kind": member.kind.value,
                "genome": member.genome.to_dict(),
                "genome_hash": key_of(member.genome),
                "share": member.share,
                "refit": member.refit,
            }
            for member in subject.members
        ],
        "trunk": first.genome.trunk.name if first.genome.trunk else "none",
        "resolution": max(subject.model.resolutions),
        "temperature": subject.model.core.temperature,
        "parameters": subject.cost.parameters,
        "macs": subject.cost.macs,
        "size_bytes": size,
        "sha256": digest,
        "input": {"name": "pixels", "dtype": "uint8", "shape": ["n", "height", "width", 3]},
        "output": {"name": "probabilities", "dtype": "float32", "shape": ["n", len(subject.labels)]},
        "validation": subject.validation,
        "refit_on_validation": all(member.refit for member in subject.members),
        "splits": subject.splits,
        "round": subject.search_round,
        "parity": parity,
        "versions": {
            "netwright": __version__,
            "python": sys.version.split()[0],
            "onnx_opset": OPSET,
            **{name: version(name) for name in ("torch", "timm", "onnx", "onnxruntime", "pillow", "numpy")},
        },
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _sample(root: Path, pictures: tuple[Picture, ...]) -> tuple[bytes, tuple[str, ...]]:
    """A picture to try the bundle with, as JPEG, and its label or labels."""
    picture = pictures[0]
    buffer = io.BytesIO()
    Image.fromarray(to_pixels((root / picture.path).read_bytes())).save(buffer, "JPEG", quality=95)
    return buffer.getvalue(), picture.all_labels


def _write_files(
    folder: Path, card: dict[str, Any], sample: tuple[bytes, tuple[str, ...]], subject: Subject
) -> None:
    runtime = session(str(folder / "model.onnx"))
    answer = runtime.run(["probabilities"], {"pixels": to_pixels(sample[0])[None]})[0][0]
    card["sample"] = {
        "file": "sample.jpg",
        **({"labels": list(sample[1])} if subject.task.is_multi else {"label": sample[1][0]}),
        "probabilities": {name: float(p) for name, p in zip(subject.labels, answer, strict=True)},
    }
    (folder / "sample.jpg").write_bytes(sample[0])
    labels = json.dumps(list(subject.labels), ensure_ascii=False, indent=1)
    (folder / "labels.json").write_text(labels + "\n", encoding="utf-8")
    text = json.dumps(card, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / "model.json").write_text(text + "\n", encoding="utf-8")
    (folder / "infer.py").write_text(infer_script(), encoding="utf-8")
    (folder / "README.md").write_text(bundle_readme(card), encoding="utf-8")
