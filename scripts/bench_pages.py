"""How long the pictures page of a large data set takes on the server, by filter and order.

    .venv/bin/python -m scripts.bench_pages --pictures 100000

Fills a database of its own with rows (no files: the browser asks for those later), asks for each page as a
browser would, and says the median and the 95th percentile of 20 times in milliseconds (and of the time on
the processor alone, which other programs on the machine do not add to), and the number of queries. Then it
times a few edits.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable

LABELS = 12
EDITS = 10_000  # pictures that are relabelled, moved, removed and restored in one act each
RUNS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(DATA_DIR=folder, DJANGO_SETTINGS_MODULE="webapp.settings", DEBUG="1")
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        dataset_id = fill(options.pictures)
        measure_pages(dataset_id, options.runs)
        measure_edits(dataset_id, min(EDITS, options.pictures))


def fill(pictures: int) -> int:
    """A data set of rows: labels of uneven size, one picture in 200 without, findings and opinions."""
    from webapp.accounts.models import User
    from webapp.datasets.models import Dataset, DatasetVersion, Finding, Image, ImageLabel, Label, Opinion

    rng = random.Random(0)  # noqa: S311 - no secret
    owner = User.objects.create_user("bench")
    dataset = Dataset.objects.create(owner=owner, name="Large", state=Dataset.State.READY)
    version = DatasetVersion.objects.create(dataset=dataset, number=1, pictures=pictures)
    labels = [Label.objects.create(dataset=dataset, name=f"label {number:02d}") for number in range(LABELS)]
    splits = ["train"] * 8 + ["validation", "test"]
    images = Image.objects.bulk_create(
        (
            Image(
                dataset=dataset,
                added_in=version,
                name=f"folder/{rng.randrange(10**9):09d}/IMG_{number:06d}.jpg",
                sha256=hashlib.sha256(str(number).encode()).hexdigest(),
                format="JPEG",
                width=rng.choice((96, 640, 1600)),
                height=rng.choice((96, 480, 1200)),
                size=200_000,
                split=rng.choice(splits),
            )
            for number in range(pictures)
        ),
        batch_size=2000,
    )
    counts: Counter[str] = Counter()
    links, opinions = [], []
    for image in images:
        if rng.random() < 0.005:
            continue
        label = labels[min(int(rng.expovariate(0.4)), LABELS - 1)]
        counts[label.name] += 1
        links.append(ImageLabel(image=image, label=label, added_in=version))
        said = label if rng.random() < 0.93 else rng.choice(labels)
        opinions.append(
            Opinion(
                image=image,
                dataset=dataset,
                search_id=1,
                label=said,
                confidence=rng.random(),
                own=rng.random(),
                suspicion=rng.random(),
            )
        )
    ImageLabel.objects.bulk_create(links, batch_size=5000)
    Opinion.objects.bulk_create(opinions, batch_size=2000)
    for number in range(300):
        finding = Finding.objects.create(
            dataset=dataset,
            version=version,
            kind="blurry",
            severity="note",
            key=str(number),
            message="Blurry.",
        )
        finding.images.add(*rng.sample(images, 3))
    version.summary = {
        "labels": dict(sorted(counts.items())),
        "splits": dict(Counter(image.split for image in images)),
        "unlabelled": pictures - len(links),
    }
    version.save()
    return dataset.pk


def measure_pages(dataset_id: int, runs: int) -> None:
    from django.db import connection, reset_queries
    from django.test import Client

    from webapp.accounts.models import User
    from webapp.datasets.models import Image, Label

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username="bench"))
    labels = list(Label.objects.order_by("name").values_list("pk", flat=True))
    middle = Image.objects.order_by("sha256")[Image.objects.count() // 2].pk
    page = f"/datasets/{dataset_id}/"
    addresses = {
        "first page": page,
        "a frequent label": f"{page}?label={labels[0]}",
        "a rare label": f"{page}?label={labels[-1]}",
        "without a label": f"{page}?label=none",
        "test pictures": f"{page}?split=test",
        "blurry ones": f"{page}?finding=blurry",
        "small ones": f"{page}?size=small",
        "model says another": f"{page}?model=wrong",
        "model unsure": f"{page}?model=unsure",
        "part of a name": f"{page}?q=IMG_0042",
        "no such name": f"{page}?q=nothing+has+this",
        "label, split, model": f"{page}?label={labels[1]}&split=train&model=wrong",
        "newest first": f"{page}?sort=newest",
        "by name": f"{page}?sort=name",
        "most suspect": f"{page}?sort=suspicion",
        "least sure": f"{page}?sort=confidence",
        "removed": f"{page}?show=removed",
        "middle of the wall": f"{page}pictures/?after={middle}",
    }
    headers = {"HX-Request": "true"}
    say(f"{'page':24}{'median ms':>10}{'p95 ms':>10}{'p95 of CPU':>12}{'queries':>10}")
    every: list[float] = []
    every_cpu: list[float] = []
    for name, address in addresses.items():
        extra = headers if "/pictures/" in address else {}
        times, cpu = [], []
        for _ in range(runs):
            reset_queries()
            began, began_cpu = time.perf_counter(), time.process_time()
            answer = client.get(address, headers=extra)
            times.append((time.perf_counter() - began) * 1000)
            cpu.append((time.process_time() - began_cpu) * 1000)  # what a busy machine does not add to
            if answer.status_code != 200:
                raise SystemExit(f"{address} answered {answer.status_code}.")
        every += times
        every_cpu += cpu
        middle_time = statistics.median(times)
        say(f"{name:24}{middle_time:10.0f}{p95(times):10.0f}{p95(cpu):12.0f}{len(connection.queries):10}")
    say(f"{'all':24}{statistics.median(every):10.0f}{p95(every):10.0f}{p95(every_cpu):12.0f}")


def p95(times: list[float]) -> float:
    return sorted(times)[int(0.95 * (len(times) - 1))]


def measure_edits(dataset_id: int, pictures: int) -> None:
    from webapp.datasets import editing
    from webapp.datasets.models import Dataset, Image

    dataset = Dataset.objects.get(pk=dataset_id)

    def some() -> list[int]:
        rows = Image.objects.filter(dataset=dataset, removed_in=None).order_by("pk")
        return list(rows.values_list("pk", flat=True)[:pictures])

    acts: dict[str, Callable[[], object]] = {
        "relabel": lambda: editing.relabel(dataset=dataset, images=some(), labels=["another"]),
        "undo relabel": lambda: editing.undo_last(dataset=dataset),
        "move": lambda: editing.move_to_split(
            dataset=dataset, images=some(), split="validation", confirmed=True
        ),
        "undo move": lambda: editing.undo_last(dataset=dataset),
        "remove": lambda: editing.remove_pictures(dataset=dataset, images=some()),
        "undo remove": lambda: editing.undo_last(dataset=dataset),
    }
    say(f"\n{f'edit of {pictures:,} pictures':24}{'seconds':>10}")
    for name, act in acts.items():
        began = time.perf_counter()
        act()
        say(f"{name:24}{time.perf_counter() - began:10.2f}")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
