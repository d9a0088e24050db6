"""tus 1.0 as its protocol says it, and as programs use it."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.web.factories import label_files, make_dataset, make_zip
from tests.web.tus import (
    BASE,
    BODY,
    TUS,
    address_of,
    announce,
    broken_patch,
    encoded,
    offset_of,
    patch,
)
from webapp.accounts.models import User
from webapp.core.http import SILENCE_SECONDS
from webapp.datasets.models import Dataset, Transfer, Upload
from webapp.datasets.tasks import import_upload

Enqueued = list[tuple[str, tuple[int, ...]]]


@pytest.fixture
def dataset(alice: User) -> Dataset:
    return make_dataset(alice)


def test_it_says_what_it_offers_to_anybody(client: Client, settings: Settings) -> None:
    answer = client.options(BASE)
    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert "termination" in answer["Tus-Extension"]
    assert answer["Tus-Max-Size"] == str(settings.UPLOAD_MAX_BYTES)
    assert answer["Tus-Checksum-Algorithm"] == "sha256,sha1"


def test_the_whole_way_from_an_announcement_to_pictures(
    alice_api: Client, dataset: Dataset, enqueued: Enqueued
) -> None:
    content = make_zip(label_files())
    made = announce(alice_api, dataset.pk, len(content), name="C:\\my\\colours.zip")
    assert made.status_code == 201
    assert made["Upload-Expires"].endswith("GMT")
    address = made["Location"]
    half = len(content) // 2
    first = patch(alice_api, address, 0, content[:half])
    assert (first.status_code, first["Upload-Offset"]) == (204, str(half))
    assert enqueued == []
    last = patch(alice_api, address, half, content[half:])
    assert (last.status_code, last["Upload-Offset"]) == (204, str(len(content)))
    ((name, (upload_id,)),) = enqueued
    assert name == "import_upload"
    assert Upload.objects.get().name == "colours.zip"
    assert offset_of(alice_api, address) == len(content)

    import_upload(upload_id)
    seen = alice_api.get(f"/api/v1/datasets/{dataset.pk}").json()
    assert (seen["state"], seen["counts"]["accepted"]) == ("ready", 16)


def test_the_last_piece_sent_twice_makes_one_upload(
    alice_api: Client, dataset: Dataset, enqueued: Enqueued
) -> None:
    address = address_of(alice_api, dataset.pk, 4)
    patch(alice_api, address, 0, b"some")
    again = patch(alice_api, address, 0, b"some")
    assert again.status_code == 409
    assert Upload.objects.count() == len(enqueued) == 1


@pytest.mark.parametrize("seed", range(3))
def test_cut_30_times_at_random_it_arrives_byte_for_byte(
    alice_api: Client, dataset: Dataset, data_dir: Path, seed: int
) -> None:
    rng = random.Random(seed)
    content = rng.randbytes(1_500_000)
    address = address_of(alice_api, dataset.pk, len(content))
    for cut in sorted(rng.sample(range(1, len(content)), 30)):
        offset = offset_of(alice_api, address)
        rest = len(content) - offset
        broken_patch(alice_api, address, offset, content[offset:cut], said=rest, error=rng.random() < 0.5)
    offset = offset_of(alice_api, address)
    assert patch(alice_api, address, offset, content[offset:]).status_code == 204
    arrived = (data_dir / Upload.objects.get().path).read_bytes()
    assert hashlib.sha256(arrived).digest() == hashlib.sha256(content).digest()


def test_what_came_before_the_cut_is_kept(alice_api: Client, dataset: Dataset) -> None:
    address = address_of(alice_api, dataset.pk, 10)
    answer = broken_patch(alice_api, address, 0, b"abcd", said=10, error=False)
    assert (answer["Upload-Offset"], answer["Connection"]) == ("4", "close")
    assert offset_of(alice_api, address) == 4


class Silent:
    """A socket as gunicorn hands it over; notes how long it was to wait."""

    def __init__(self) -> None:
        self.timeouts: list[float | None] = [None]

    def gettimeout(self) -> float | None:
        return self.timeouts[-1]

    def settimeout(self, seconds: float | None) -> None:
        self.timeouts.append(seconds)


def test_a_line_that_falls_silent_is_given_up_in_time(alice_api: Client, dataset: Dataset) -> None:
    address, socket = address_of(alice_api, dataset.pk, 10), Silent()
    broken_patch(alice_api, address, 0, b"abcd", said=10, meta={"gunicorn.socket": socket})
    assert socket.timeouts == [None, SILENCE_SECONDS, None]


def test_a_body_may_come_with_the_announcement(alice_api: Client, dataset: Dataset) -> None:
    headers = {**TUS, "upload-length": "8", "upload-metadata": encoded(dataset=dataset.pk, filename="a.zip")}
    made = alice_api.post(BASE, b"some", content_type=BODY, headers=headers)
    assert (made.status_code, made["Upload-Offset"]) == (201, "4")
    assert patch(alice_api, made["Location"], 4, b"more").status_code == 204


def test_a_label_comes_along(alice_api: Client, dataset: Dataset) -> None:
    facts = encoded(dataset=dataset.pk, filename="a.jpg", label=" καλή  γάτα ")
    address = announce(alice_api, dataset.pk, 4, **{"upload-metadata": facts})["Location"]
    patch(alice_api, address, 0, b"some")
    assert Upload.objects.get().label == "καλή γάτα"


@pytest.mark.parametrize("version", [None, "0.2.2"])
def test_another_version_is_412(alice_api: Client, dataset: Dataset, version: str | None) -> None:
    address = address_of(alice_api, dataset.pk, 4)
    headers = {"upload-offset": "0"} | ({"tus-resumable": version} if version else {})
    answer = alice_api.generic("PATCH", address, b"some", content_type=BODY, headers=headers)
    assert (answer.status_code, answer["Tus-Version"]) == (412, "1.0.0")
    assert offset_of(alice_api, address) == 0


@pytest.mark.parametrize("offset", [2, 6])
def test_a_piece_elsewhere_is_409(alice_api: Client, dataset: Dataset, offset: int) -> None:
    address = address_of(alice_api, dataset.pk, 10)
    patch(alice_api, address, 0, b"some")
    answer = patch(alice_api, address, offset, b"more")
    assert answer.status_code == 409
    assert "4 bytes of pictures.zip are here" in answer.json()["error"]["message"]
    assert offset_of(alice_api, address) == 4


def test_more_than_was_said_is_413_and_nothing_is_written(
    alice_api: Client, dataset: Dataset, data_dir: Path
) -> None:
    address = address_of(alice_api, dataset.pk, 4)
    assert patch(alice_api, address, 0, b"some more").status_code == 413
    assert (data_dir / Transfer.objects.get().path).stat().st_size == 0


def test_a_piece_that_does_not_say_how_long_it_is_is_411(alice_api: Client, dataset: Dataset) -> None:
    address = address_of(alice_api, dataset.pk, 4)
    sent = {"HTTP_TUS_RESUMABLE": "1.0.0", "HTTP_UPLOAD_OFFSET": "0"}
    for extra in ({}, {"HTTP_TRANSFER_ENCODING": "chunked"}):
        answer = alice_api.request(
            REQUEST_METHOD="PATCH", PATH_INFO=address, CONTENT_TYPE=BODY, **sent, **extra
        )
        assert answer.status_code == 411


def test_another_content_type_is_415(alice_api: Client, dataset: Dataset) -> None:
    address = address_of(alice_api, dataset.pk, 4)
    headers = {**TUS, "upload-offset": "0"}
    answer = alice_api.generic("PATCH", address, b"some", content_type="text/plain", headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_a_piece_that_arrives_changed_is_460_and_can_be_sent_again(
    alice_api: Client, dataset: Dataset, algorithm: str, data_dir: Path
) -> None:
    address = address_of(alice_api, dataset.pk, 8)
    patch(alice_api, address, 0, b"some")
    digest = base64.b64encode(hashlib.new(algorithm, b"more").digest()).decode()
    headers = {"upload-checksum": f"{algorithm} {digest}"}
    assert patch(alice_api, address, 4, b"mope", headers).status_code == 460
    assert offset_of(alice_api, address) == 4
    assert patch(alice_api, address, 4, b"more", headers).status_code == 204
    assert (data_dir / Upload.objects.get().path).read_bytes() == b"somemore"


@pytest.mark.parametrize("checksum", ["md5 abcd", "sha256 abcd", "sha256", "sha256 ***"])
def test_a_checksum_that_is_none_is_400(alice_api: Client, dataset: Dataset, checksum: str) -> None:
    address = address_of(alice_api, dataset.pk, 4)
    assert patch(alice_api, address, 0, b"some", {"upload-checksum": checksum}).status_code == 400
    assert offset_of(alice_api, address) == 0


def test_one_that_stopped_for_a_day_is_410(alice_api: Client, dataset: Dataset) -> None:
    address = address_of(alice_api, dataset.pk, 8)
    Transfer.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert patch(alice_api, address, 0, b"some").status_code == 410
    assert alice_api.head(address, headers=TUS).status_code == 410


def test_cancelled_it_is_gone_with_its_bytes(alice_api: Client, dataset: Dataset, data_dir: Path) -> None:
    address = address_of(alice_api, dataset.pk, 8)
    patch(alice_api, address, 0, b"some")
    assert alice_api.delete(address, headers=TUS).status_code == 204
    assert list((data_dir / "uploads").iterdir()) == []
    assert alice_api.head(address, headers=TUS).status_code == 404


def test_what_has_arrived_cannot_be_cancelled(alice_api: Client, dataset: Dataset, data_dir: Path) -> None:
    address = address_of(alice_api, dataset.pk, 4)
    patch(alice_api, address, 0, b"some")
    assert alice_api.delete(address, headers=TUS).status_code == 409
    assert (data_dir / Upload.objects.get().path).exists()


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"upload-length": "-1"}, 400, "bad_request"),
        ({"upload-length": "many"}, 400, "bad_request"),
        ({"upload-length": "0"}, 400, "empty_file"),
        ({"upload-length": str(10**14)}, 413, "too_large"),
        ({"upload-defer-length": "1"}, 400, "bad_request"),
        ({"upload-concat": "partial"}, 400, "bad_request"),
        ({"upload-metadata": ""}, 400, "bad_request"),
        ({"upload-metadata": "dataset ***"}, 400, "bad_request"),
        ({"upload-metadata": "dataset /w=="}, 400, "bad_request"),
        ({"upload-metadata": encoded(dataset="../1")}, 400, "bad_request"),
        ({"upload-metadata": encoded(dataset=987654)}, 404, "not_found"),
    ],
)
def test_an_announcement_that_will_not_do_is_explained(
    alice_api: Client, dataset: Dataset, headers: dict[str, str], status: int, code: str
) -> None:
    answer = announce(alice_api, dataset.pk, 8, **headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer["Tus-Resumable"] == "1.0.0"
    assert not Transfer.objects.exists()


def test_strangers_find_nothing(
    alice_api: Client, charlie_api: Client, dataset: Dataset, client: Client
) -> None:
    address = address_of(alice_api, dataset.pk, 8)
    assert announce(charlie_api, dataset.pk, 8).status_code == 404
    assert patch(charlie_api, address, 0, b"some").status_code == 404
    assert charlie_api.head(address, headers=TUS).status_code == 404
    assert charlie_api.delete(address, headers=TUS).status_code == 404
    assert patch(client, address, 0, b"some").status_code == 401
    assert announce(client, dataset.pk, 8).status_code == 401
    assert offset_of(alice_api, address) == 0


def test_a_session_needs_the_csrf_token(alice: User, dataset: Dataset) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    assert announce(browser, dataset.pk, 4).status_code == 403
    browser.get("/datasets/new/")
    token = browser.cookies["csrftoken"].value
    made = announce(browser, dataset.pk, 4, **{"x-csrftoken": token})
    assert made.status_code == 201
    assert patch(browser, made["Location"], 0, b"some").status_code == 403
    assert patch(browser, made["Location"], 0, b"some", {"x-csrftoken": token}).status_code == 204


def test_a_proxy_that_knows_only_post_can_send(alice_api: Client, dataset: Dataset) -> None:
    address = address_of(alice_api, dataset.pk, 4)
    headers = {**TUS, "upload-offset": "0", "x-http-method-override": "PATCH"}
    assert alice_api.post(address, b"some", content_type=BODY, headers=headers).status_code == 204


def test_other_methods_and_names_have_their_answers(alice_api: Client) -> None:
    assert alice_api.get(BASE, headers=TUS).status_code == 405
    answer = alice_api.head(f"{BASE}/..%2f..%2fsecret-key", headers=TUS)
    assert answer.status_code == 404


def test_the_documentation_tells_of_it(alice_client: Client) -> None:
    schema = json.loads(alice_client.get("/api/v1/openapi.json").content)
    assert set(schema["paths"]["/api/v1/uploads/{key}"]) == {"head", "patch", "delete"}
    assert "tus 1.0" in schema["info"]["description"]
    assert set(schema["paths"]["/api/v1/uploads"]["post"]["security"][0]) <= set(
        schema["components"]["securitySchemes"]
    )
