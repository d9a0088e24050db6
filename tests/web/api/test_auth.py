"""Who may call the API, and how it says no."""

from __future__ import annotations

import pytest
from django.test import Client

from webapp.accounts.models import User
from webapp.accounts.services import create_token

DATASETS = "/api/v1/datasets"
ENDPOINTS = [
    ("get", "/datasets"),
    ("post", "/datasets"),
    ("get", "/datasets/1"),
    ("delete", "/datasets/1"),
    ("post", "/datasets/1/files"),
    ("get", "/datasets/1/rejected"),
    ("get", "/openapi.json"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_without_a_token_it_answers_401(method: str, path: str) -> None:
    for client in (Client(), Client(enforce_csrf_checks=True)):
        response = getattr(client, method)(f"/api/v1{path}")
        assert response.status_code == 401
        assert response["WWW-Authenticate"].startswith("Bearer")
        assert response.json()["error"]["code"] == "unauthorized"
        assert "Bearer TOKEN" in response.json()["error"]["message"]


@pytest.mark.parametrize("header", ["Bearer nw_wrong", "Bearer ", "Bearer nw_é"])
def test_a_wrong_token_is_refused_even_with_a_session(alice_client: Client, header: str) -> None:
    response = alice_client.get(DATASETS, headers={"authorization": header})
    assert response.status_code == 401
    assert "not valid" in response.json()["error"]["message"]


def test_another_scheme_is_no_token(client: Client, alice: User) -> None:
    assert client.get(DATASETS, headers={"authorization": "Basic YTpi"}).status_code == 401


def test_a_session_may_read(alice_client: Client) -> None:
    assert alice_client.get(DATASETS).json() == []


def test_a_session_needs_the_csrf_token_to_write(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    body, kind = '{"name": "Colours"}', "application/json"
    refused = client.post(DATASETS, body, content_type=kind)
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["error"]["message"]
    token = "a" * 32
    client.cookies["csrftoken"] = token
    assert client.post(DATASETS, body, content_type=kind, headers={"x-csrftoken": token}).status_code == 201


def test_a_token_needs_no_csrf_token(alice: User) -> None:
    _, plain = create_token(owner=alice, name="test")
    client = Client(enforce_csrf_checks=True, headers={"authorization": f"Bearer {plain}"})
    response = client.post(DATASETS, '{"name": "Colours"}', content_type="application/json")
    assert response.status_code == 201


def test_answers_stay_out_of_caches(alice_api: Client) -> None:
    assert alice_api.get(DATASETS)["Cache-Control"] == "private, no-store"


@pytest.mark.django_db
def test_the_documentation_asks_to_log_in(alice: User, client: Client) -> None:
    response = client.get("/api/v1/docs", headers={"accept": "text/html"})
    assert (response.status_code, response["Location"]) == (302, "/login/?next=/api/v1/docs")


def test_the_documentation_needs_only_our_own_files(alice_client: Client) -> None:
    page = alice_client.get("/api/v1/docs").content.decode()
    assert 'src="/static/ninja/swagger-ui-bundle.js"' in page
    assert "https://" not in page
    assert "<style" not in page
    scripts = [line for line in page.splitlines() if "<script" in line]
    assert all("src=" in line or "application/json" in line for line in scripts)


def test_a_token_may_read_the_openapi_document(alice_api: Client) -> None:
    document = alice_api.get("/api/v1/openapi.json").json()
    assert document["info"]["title"] == "Netwright"
    assert "/api/v1/datasets/{dataset_id}/files" in document["paths"]
    assert set(document["components"]["securitySchemes"]) == {"TokenAuth", "SessionAuth"}
