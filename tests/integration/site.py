"""A whole site for integration tests, and a program that uses its API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from io import BytesIO
from typing import Any

import numpy as np
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from PIL import Image
from sklearn.datasets import load_digits

from tests.launch import ROOT, Launched, environment, wait_until

MAKE_USER = """
import django, sys
django.setup()
from webapp.accounts.services import create_first_user, create_token
user = create_first_user(code=sys.argv[1], username="alice", password="open-sesame-42")
print(create_token(owner=user, name="integration")[1])
"""


class Api:
    """Speaks to a site as one of its users; every answer is status and data."""

    def __init__(self, site: Launched) -> None:
        self.base = f"{site.url}/api/v1"
        made = subprocess.run(
            [sys.executable, "-c", MAKE_USER, site.setup_code],
            cwd=ROOT,
            env=environment(site.data_dir, DJANGO_SETTINGS_MODULE="webapp.settings"),
            capture_output=True,
            text=True,
            check=True,
        )
        self.token = made.stdout.split()[-1]

    def raw(self, path: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        request = urllib.request.Request(self.base + path, data=body, headers=headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def get(self, path: str) -> Any:
        status, body = self.raw(path)
        assert status == 200, body
        return json.loads(body)

    def post(self, path: str, data: dict[str, Any] | None = None) -> Any:
        status, body = self.raw(path, json.dumps(data or {}).encode())
        assert 200 <= status < 300, body
        return json.loads(body)

    def upload(self, path: str, name: str, data: bytes) -> Any:
        form = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile(name, data)})
        status, body = self.raw(path, form, MULTIPART_CONTENT)
        assert status == 202, body
        return json.loads(body)

    def add_digits(self, *, each: int = 40) -> int:
        """A data set of handwritten zeros, ones and twos; its id, once it is imported."""
        dataset: int = self.post("/datasets", {"name": "Digits"})["id"]
        self.upload(f"/datasets/{dataset}/files", "digits.zip", digits_zip(each=each))
        wait_until(lambda: self.get(f"/datasets/{dataset}")["state"] == "ready", 60, "the import")
        return dataset

    def wait_for(self, search: int, seconds: float, **wanted: Any) -> dict[str, Any]:
        """The search, as soon as it shows these values; it must not fail meanwhile."""
        last: dict[str, Any] = {}

        def reached() -> bool:
            last.update(self.get(f"/searches/{search}"))
            assert last["state"] != "failed", last["error"]
            return all(last[name] == value for name, value in wanted.items())

        wait_until(reached, seconds, f"search {search} with {wanted}")
        return last


def digit(label: int, index: int) -> bytes:
    """The index-th handwritten digit with this label, as a PNG of 32 by 32 pixels."""
    digits = load_digits()
    pixels = digits.images[digits.target == label][index]
    image = Image.fromarray((255 - pixels * 255 / 16).astype(np.uint8)).resize((32, 32))
    file = BytesIO()
    image.convert("RGB").save(file, "PNG")
    return file.getvalue()


def digits_zip(*, each: int) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for label in range(3):
            for index in range(each):
                archive.writestr(f"{label}/{index:03d}.png", digit(label, index))
    return file.getvalue()


def end(pid: int, number: int) -> None:
    """Send a signal to a process that may be gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
