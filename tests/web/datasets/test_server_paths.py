"""Folders and archives on the server: who may name them, and which."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from django.test import Client

from tests.web.conftest import with_token
from tests.web.factories import make_dataset, make_zip
from webapp.accounts.models import User
from webapp.accounts.services import create_first_user, ensure_setup_code
from webapp.core.errors import UserError
from webapp.datasets import services
from webapp.datasets.models import Dataset, Upload
from webapp.datasets.server_paths import add_server_path


@pytest.fixture
def root(admin_user: User) -> User:
    return admin_user


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "my pictures"
    folder.mkdir()
    return folder


def refusal(user: User, path: str) -> str:
    with pytest.raises(UserError) as error:
        add_server_path(dataset=make_dataset(user), user=user, path=path)
    assert not Upload.objects.exists()
    return error.value.message


def test_a_folder_is_named_and_stays_where_it_is(
    root: User, folder: Path, enqueued: list[tuple[str, tuple[int, ...]]]
) -> None:
    upload = add_server_path(dataset=make_dataset(root), user=root, path=f" {folder}/ ", label="cat")
    assert (upload.kind, upload.path, upload.name, upload.label) == (
        Upload.Kind.SERVER,
        str(folder),
        "my pictures",
        "cat",
    )
    assert enqueued == [("import_upload", (upload.pk,))]


def test_an_archive_is_named(root: User, folder: Path) -> None:
    path = folder / "a.zip"
    path.write_bytes(make_zip({"a/1.png": b"x"}))
    upload = add_server_path(dataset=make_dataset(root), user=root, path=str(path))
    assert (upload.path, upload.size) == (str(path), path.stat().st_size)


@pytest.mark.parametrize("path", ["pictures", "./pictures", "", "\0/srv", "~/pictures"])
def test_a_path_that_is_not_whole_is_refused(root: User, path: str) -> None:
    assert "Give the whole path" in refusal(root, path)


def test_a_path_that_leads_nowhere_is_refused(root: User, folder: Path) -> None:
    assert "There is nothing at" in refusal(root, str(folder / "none"))
    loop = folder / "loop"
    loop.symlink_to(loop)
    assert str(loop) in refusal(root, str(loop))


def test_what_is_no_folder_and_no_file_is_refused(root: User, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert "neither a folder nor a file" in refusal(root, str(folder / "pipe"))


def test_our_own_data_are_refused_also_through_a_link(root: User, folder: Path, data_dir: Path) -> None:
    (folder / "link").symlink_to(data_dir / "uploads")
    for path in (data_dir, data_dir / "uploads", data_dir.parent, folder / "link", Path("/")):
        assert "Netwright's own data" in refusal(root, str(path))


@pytest.mark.django_db(transaction=True)
def test_deleting_the_data_set_leaves_the_file_on_the_server(root: User, folder: Path) -> None:
    path = folder / "a.zip"
    path.write_bytes(b"theirs")
    dataset = make_dataset(root)
    add_server_path(dataset=dataset, user=root, path=str(path))
    services.delete_dataset(dataset=dataset)
    assert path.read_bytes() == b"theirs"


def test_the_first_account_is_an_administrator(db: None) -> None:
    code = ensure_setup_code()
    assert code
    assert create_first_user(code=code, username="ada", password="correct horse battery").is_superuser


def post(client: Client, dataset: Dataset, path: object) -> tuple[int, str]:
    address = f"/api/v1/datasets/{dataset.pk}/server-path"
    answer = client.post(address, json.dumps({"path": str(path)}), content_type="application/json")
    body = answer.json()
    return answer.status_code, body["error"]["code"] if body["error"] else body["state"]


def test_it_is_a_route_of_the_api(root: User, alice: User, alice_api: Client, folder: Path) -> None:
    theirs, mine = make_dataset(alice), make_dataset(root)
    assert post(alice_api, theirs, folder) == (403, "forbidden")
    assert post(alice_api, mine, folder) == (404, "not_found")
    assert post(with_token(root), theirs, folder) == (404, "not_found")
    assert post(with_token(root), mine, "pictures") == (400, "invalid_path")
    assert post(with_token(root), mine, folder) == (202, "importing")
