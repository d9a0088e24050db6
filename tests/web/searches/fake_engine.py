"""Speaks the engine's language and does nothing: what happens is written in the first argument, as JSON.

``die``: commands at which the process is killed. ``die_once``: the same, but only the first time.
``fail``: command to the message it fails with; ``kind``: of these failures. ``hang``: commands that end only
by being stopped.
``deaf``: commands that end by nothing. Commands are ``open``, ``measure``, ``prepare``, ``train 3``,
``export 3``, ``final 3``. ``tracebacks``: whether training logs errors. ``trial_seconds`` and ``pictures``
are the plan's. ``ensemble``: whether networks are better together; else the best alone is. ``suspected``: how
many of the pictures have a label that looks wrong.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from queue import Queue

import numpy as np

from search_engine.commands import Combine, Doubt, Export, Measure, Open, Prepare, Refit, Stop, Train
from search_engine.config import Plan
from search_engine.data.manifest import read_manifest
from search_engine.evaluate.bootstrap import pack_bits
from search_engine.events import (
    Combined,
    Doubted,
    EpochDone,
    Exported,
    Failed,
    Log,
    Measured,
    Message,
    Opened,
    Prepared,
    Progress,
    Refitted,
    Stopped,
    Trained,
    from_line,
    to_line,
)
from tests.web.searches.fake_engine_card import card_of

ACCURACIES = [0.34, 0.80, 0.85, 0.83, 0.91, 0.90, 0.93, 0.88]
SCENARIO = json.loads(sys.argv[1])


def emit(message: Message) -> None:
    sys.stdout.write(to_line(message) + "\n")
    sys.stdout.flush()


def name_of(command: Message) -> str:
    number = getattr(command, "number", None)
    name = "final" if isinstance(command, Export) and command.final else command.name
    return name if number is None else f"{name} {number}"


class FakeEngine:
    def __init__(self) -> None:
        self.commands: Queue[Message | None] = Queue()
        self.stop = threading.Event()
        self.run = Path()
        self.manifest = Path()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        for line in sys.stdin:
            command = from_line(line)
            if isinstance(command, Stop):
                self.stop.set()
            else:
                self.commands.put(command)
        self.commands.put(None)

    def serve(self) -> None:
        while (command := self.commands.get()) is not None:
            self.stop.clear()
            if isinstance(command, Open):
                self.run = Path(command.run)
                self.run.mkdir(parents=True, exist_ok=True)
                self.manifest = Path(command.manifest)
            with (self.run / "commands").open("a") as log:
                log.write(to_line(command) + "\n")
            if not self.misbehave(command):
                emit(self.answer(command))

    def misbehave(self, command: Message) -> bool:
        name = name_of(command)
        once = self.run / f"died at {name}"
        if name in SCENARIO.get("die", []) or (name in SCENARIO.get("die_once", []) and not once.exists()):
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if name in SCENARIO.get("deaf", []):
            (self.run / f"deaf at {name}").touch()
            threading.Event().wait()
        if name in SCENARIO.get("hang", []):
            (self.run / f"hangs at {name}").touch()
            self.stop.wait()
            emit(Stopped(command=command.name, number=getattr(command, "number", None)))
            return True
        if name in SCENARIO.get("fail", {}):
            message = SCENARIO["fail"][name]
            number = getattr(command, "number", None)
            kind = SCENARIO.get("kind", "error")
            emit(Failed(command=command.name, kind=kind, message=message, number=number))
            return True
        return False

    def answer(self, command: Message) -> Message:
        match command:
            case Open():
                return Opened(
                    labels=["green", "red"], counts={"train": 12, "validation": 4, "test": 4}, device="cpu"
                )
            case Measure():
                plan = Plan(
                    trunk="efficientnet_lite0",
                    resolution=128,
                    pictures=SCENARIO.get("pictures", 16),
                    epochs=2,
                    trial_seconds=SCENARIO.get("trial_seconds", 0.1),
                    prepare_seconds=0.1,
                    finish_seconds=0.1,
                    invariances=SCENARIO.get("invariances", {}),
                )
                return Measured(plan=plan.to_dict())
            case Prepare():
                emit(Progress(phase="prepare", text="Looking at the pictures", done=8, total=16))
                return Prepared(pictures=16, seconds=0.1)
            case Train():
                return self.train(command)
            case _:
                return self.finish(command)

    def finish(self, command: Message) -> Message:
        match command:
            case Combine():
                return self.combine(command)
            case Refit():
                return Refitted(number=command.number, epochs=2, seconds=0.1)
            case Export():
                return self.export(command)
            case Doubt():
                return self.doubt(command)
        raise AssertionError(command)

    def train(self, command: Train) -> Message:
        accuracy = ACCURACIES[command.number % len(ACCURACIES)]
        emit(Log(text=f"training {command.number}"))
        if SCENARIO.get("tracebacks"):
            emit(Log(text=f"Traceback of {command.number}", level="error"))
        for epoch in (1, 2):
            emit(
                EpochDone(
                    number=command.number,
                    epoch=epoch,
                    epochs=2,
                    train_loss=1.0 / epoch,
                    accuracy=accuracy * epoch / 2,
                    seconds=0.01,
                )
            )
        return Trained(
            number=command.number,
            accuracy=accuracy,
            standard_error=0.05,
            loss=0.4,
            parameters=3_400_000,
            macs=120_000_000,
            latency_ms=9.5,
            size_bytes=13_600_000,
            epochs=2,
            seconds=0.1,
            right=pack_bits(np.arange(100) < round(100 * accuracy)),
        )

    def combine(self, command: Combine) -> Message:
        together = command.rivals[: command.most] if SCENARIO.get("ensemble") else command.rivals[:1]
        return Combined(
            number=command.number,
            members=[{"number": each["number"], "weight": 1 / len(together)} for each in together],
            accuracy=ACCURACIES[together[0]["number"] % len(ACCURACIES)],
            standard_error=0.05,
            loss=0.3,
            parameters=3_500_000,
            macs=130_000_000,
            latency_ms=11.0,
            size_bytes=14_000_000,
            seconds=0.1,
        )

    def export(self, command: Export) -> Message:
        accuracy = ACCURACIES[command.number % len(ACCURACIES)]
        card = card_of(["green", "red"], final=command.final, accuracy=accuracy, name=command.title)
        members = [{"trial": p["number"], "share": p["share"], "kind": p["kind"]} for p in command.parts]
        refit = all(part["weights"] != part["number"] for part in command.parts)
        card |= {"round": command.round, "refit_on_validation": refit, "members": members}
        out = Path(command.out)
        out.mkdir(parents=True)
        (out / "model.onnx").write_bytes(b"weights")
        (out / "labels.json").write_text(json.dumps(card["labels"]))
        (out / "model.json").write_text(json.dumps(card))
        return Exported(number=command.number, out=command.out, model=card)

    def doubt(self, command: Doubt) -> Message:
        manifest, suspected = read_manifest(self.manifest), SCENARIO.get("suspected", 0)
        with Path(command.out).open("w") as file:
            for place, picture in enumerate(manifest.pictures):
                [other] = [label for label in manifest.labels if label != picture.label]
                odd = place < suspected
                line = {
                    "id": picture.id,
                    "split": picture.split,
                    "label": picture.label,
                    "likeliest": other if odd else picture.label,
                    "probability": 0.95,
                    "own": 0.05 if odd else 0.95,
                    "suspicion": 0.95 if odd else 0.05,
                    "suspected": odd,
                }
                file.write(json.dumps(line) + "\n")
        count = len(manifest.pictures)
        return Doubted(out=command.out, pictures=count, suspected=suspected, seconds=0.1)


if __name__ == "__main__":
    FakeEngine().serve()
