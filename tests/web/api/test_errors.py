"""Every error of the API has one shape, wherever it comes from."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from webapp.datasets import services


def error_of(response: Any) -> dict[str, str]:
    """The error, after a look at its shape."""
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    error: dict[str, str] = body["error"]
    return error


@pytest.mark.parametrize("path", ["", "nothing", "datasets/", "datasets/abc", "datasets/1/nothing", "docs/x"])
def test_an_address_that_does_not_exist(alice_api: Client, path: str) -> None:
    response = alice_api.get(f"/api/v1/{path}")
    assert response.status_code == 404
    assert error_of(response)["code"] == "not_found"


def test_posting_to_an_address_that_does_not_exist_is_no_csrf_failure() -> None:
    response = Client(enforce_csrf_checks=True).post("/api/v1/nothing")
    assert response.status_code == 404
    assert error_of(response)["code"] == "not_found"


def test_a_method_that_an_address_does_not_take(alice_api: Client) -> None:
    response = alice_api.put("/api/v1/datasets")
    assert response.status_code == 405
    assert error_of(response)["code"] == "method_not_allowed"
    assert "GET" in response["Allow"]


def test_a_body_that_is_no_json(alice_api: Client) -> None:
    response = alice_api.post("/api/v1/datasets", "{name", content_type="application/json")
    assert response.status_code == 400
    error = error_of(response)
    assert error["code"] == "bad_request"
    assert "Send JSON" in error["message"]


def test_a_multipart_body_that_cannot_be_read(alice_api: Client) -> None:
    response = alice_api.post("/api/v1/datasets/1/files", b"--", content_type="multipart/form-data")
    assert response.status_code == 400
    assert error_of(response)["code"] == "bad_request"


def test_a_body_that_is_too_large(alice_api: Client, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    response = alice_api.post("/api/v1/datasets", '{"name": "Colours"}', content_type="application/json")
    assert response.status_code == 413
    assert error_of(response)["code"] == "too_large"


def test_an_upload_that_is_too_large(alice_api: Client, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 0
    body = b"x" * (2 * 1024**2)
    response = alice_api.post("/api/v1/datasets/1/files", body, content_type="application/octet-stream")
    assert response.status_code == 413
    assert error_of(response)["code"] == "too_large"


def test_a_bug_is_logged_and_tells_nothing(
    alice_api: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def bug(**_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(services, "create_dataset", bug)
    alice_api.raise_request_exception = False
    response = alice_api.post("/api/v1/datasets", '{"name": "Colours"}', content_type="application/json")
    assert response.status_code == 500
    assert error_of(response)["code"] == "server_error"
    assert "secret" not in response.content.decode()
    assert "secret detail" in caplog.text
