"""Every address that names something of Alice's: a stranger gets 404, the anonymous are turned away."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.web.conftest import alice, charlie, charlie_client, data_dir, enqueued  # noqa: F401  fixtures
from tests.web.factories import make_version
from tests.web.searches.making import make_search
from tests.web.trained.making import make_model
from webapp.accounts.models import User
from webapp.accounts.services import create_token
from webapp.datasets import transfers
from webapp.datasets.models import Finding, Image

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
METHODS = ("GET", "POST", "PATCH", "DELETE", "HEAD")


def routes(resolver: URLResolver | None = None, before: str = "/") -> Iterator[str]:
    """All addresses with something in them that can be somebody's."""
    for pattern in (resolver or get_resolver()).url_patterns:
        address = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, address)
        elif isinstance(pattern, URLPattern) and PARAMETER.search(address):
            yield address


def numbers(owner: User) -> dict[str, object]:
    """Things of the owner's, by the words with which addresses name them."""
    version = make_version(owner)
    search = make_search(owner, version=version)
    model = make_model(owner)
    finding = Finding.objects.create(dataset=version.dataset, version=version, kind="dark", key="k")
    image = Image.objects.filter(dataset=version.dataset).first()
    token, _ = create_token(owner=owner, name="hers")
    transfer = transfers.start_transfer(dataset=version.dataset, name="a.zip", length=5)
    assert image
    return {
        "datasets": version.dataset_id,
        "pictures": image.pk,
        "searches": search.pk,
        "models": model.pk,
        "account": token.pk,
        "number": 1,
        "finding_id": finding.pk,
        "key": transfer.key,
    }


def filled(address: str, values: dict[str, object]) -> str:
    kind = address.removeprefix("/api/v1").split("/")[1]
    return PARAMETER.sub(lambda found: str(values.get(found[1], values.get(kind))), address)


@pytest.mark.django_db
def test_every_address_is_its_owners(alice: User, charlie_client: Client) -> None:  # noqa: F811
    values = numbers(alice)
    addresses = sorted({filled(address, values) for address in routes()})
    assert len(addresses) > 60
    assert not any("None" in address for address in addresses), addresses
    wrong = []
    for address in addresses:
        for method in METHODS:
            headers = {"tus-resumable": "1.0.0"}
            stranger = charlie_client.generic(method, address, "", headers=headers).status_code
            anonymous = Client().generic(method, address, "", headers=headers)
            turned_away = anonymous.status_code in (401, 403, 405) or (
                anonymous.status_code == 302 and anonymous["Location"].startswith("/login/")
            )
            # 400, 415 and 422: the request is no good whoever sends it, before anything is looked up.
            if stranger not in (400, 404, 405, 415, 422) or not turned_away:
                wrong.append((method, address, stranger, anonymous.status_code))
    assert not wrong
