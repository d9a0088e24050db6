"""A small tus client over Django's test client, and bodies that break off."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django.test import Client, RequestFactory

BASE = "/api/v1/uploads"
BODY = "application/offset+octet-stream"
TUS = {"tus-resumable": "1.0.0"}


def encoded(**facts: object) -> str:
    return ",".join(f"{key} {base64.b64encode(str(value).encode()).decode()}" for key, value in facts.items())


def announce(client: Client, dataset: int, length: int, *, name: str = "pictures.zip", **headers: str) -> Any:
    sent = {**TUS, "upload-length": str(length), "upload-metadata": encoded(dataset=dataset, filename=name)}
    return client.post(BASE, b"", content_type="text/plain", headers={**sent, **headers})


def address_of(client: Client, dataset: int, length: int) -> str:
    made = announce(client, dataset, length)
    assert made.status_code == 201, made.content
    return str(made["Location"])


def patch(
    client: Client, address: str, offset: int, data: bytes, headers: Mapping[str, str] | None = None
) -> Any:
    sent = {**TUS, "upload-offset": str(offset), **(headers or {})}
    return client.generic("PATCH", address, data, content_type=BODY, headers=sent)


def offset_of(client: Client, address: str) -> int:
    answer = client.head(address, headers=TUS)
    assert answer.status_code == 200, answer.status_code
    return int(answer["Upload-Offset"])


class Broken(BytesIO):
    """A body of which only this much comes before the connection breaks."""

    def __init__(self, data: bytes, *, error: bool) -> None:
        super().__init__(data)
        self.error = error

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        if not piece and self.error:
            raise ConnectionResetError
        return piece


def broken_patch(
    client: Client,
    address: str,
    offset: int,
    data: bytes,
    *,
    said: int,
    error: bool = True,
    meta: Mapping[str, Any] | None = None,
) -> Any:
    """A piece that was to have ``said`` bytes and broke off after ``data``."""
    request = RequestFactory().generic("PATCH", address)
    return client.request(
        **{
            "REQUEST_METHOD": "PATCH",
            "PATH_INFO": address,
            "CONTENT_TYPE": BODY,
            "CONTENT_LENGTH": str(said),
            "HTTP_TUS_RESUMABLE": "1.0.0",
            "HTTP_UPLOAD_OFFSET": str(offset),
            "wsgi.input": Broken(data, error=error),
            "SERVER_NAME": request.META["SERVER_NAME"],
            **(meta or {}),
        }
    )
