"""The first account and API tokens."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from webapp.accounts import services
from webapp.accounts.models import ApiToken, User
from webapp.core.errors import UserError

CODE = "K7QF-22MX-9T"
GOOD = {"code": CODE, "username": "alice", "password": "open-sesame-42"}


@pytest.fixture
def setup_code(data_dir: Path, db: None) -> Path:
    path = data_dir / "setup-code"
    path.write_text(CODE + "\n")
    return path


def test_the_code_makes_the_first_account_and_is_spent(setup_code: Path) -> None:
    user = services.create_first_user(**(GOOD | {"code": f" {CODE} "}))
    assert user.check_password(GOOD["password"])
    assert User.objects.get() == user
    assert not setup_code.exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"code": "wrong"}, "wrong_setup_code"),
        ({"code": ""}, "wrong_setup_code"),
        ({"password": "12345"}, "invalid_account"),
        ({"password": "alice-99"}, "invalid_account"),
        ({"username": "no spaces please"}, "invalid_account"),
        ({"username": ""}, "invalid_account"),
    ],
)
def test_it_refuses_and_keeps_the_code(setup_code: Path, change: dict[str, str], code: str) -> None:
    with pytest.raises(UserError) as error:
        services.create_first_user(**(GOOD | change))
    assert error.value.code == code
    assert not User.objects.exists()
    assert setup_code.read_text().strip() == CODE


def test_it_refuses_when_somebody_has_an_account(setup_code: Path, bob: User) -> None:
    with pytest.raises(UserError) as error:
        services.create_first_user(**GOOD)
    assert (error.value.code, error.value.status) == ("already_set_up", 409)
    assert User.objects.get() == bob


def test_without_a_code_nobody_can_make_an_account(db: None) -> None:
    with pytest.raises(UserError, match="Restart Netwright"):
        services.create_first_user(**GOOD)


def test_an_empty_code_file_lets_nobody_in(setup_code: Path) -> None:
    setup_code.write_text("\n")
    with pytest.raises(UserError):
        services.create_first_user(**(GOOD | {"code": ""}))


def test_a_token_is_shown_once_and_stored_hashed(alice: User) -> None:
    token, plain = services.create_token(owner=alice, name=" Laptop ")
    assert re.fullmatch(r"nw_[A-Za-z0-9_-]{40}", plain)
    assert token.name == "Laptop"
    assert plain.startswith(token.prefix)
    stored = ApiToken.objects.values().get()
    assert plain not in str(stored)
    assert services.find_token(plain) == token


def test_a_wrong_or_deleted_token_is_not_found(alice: User) -> None:
    token, plain = services.create_token(owner=alice, name="Laptop")
    assert services.find_token(plain[:-1] + "!") is None
    assert services.find_token("") is None
    services.delete_token(token=token)
    assert services.find_token(plain) is None


def test_the_token_of_somebody_switched_off_is_not_found(alice: User) -> None:
    _, plain = services.create_token(owner=alice, name="Laptop")
    User.objects.update(is_active=False)
    assert services.find_token(plain) is None


def test_its_last_use_is_noted_at_most_once_a_minute(alice: User) -> None:
    token, plain = services.create_token(owner=alice, name="Laptop")
    services.find_token(plain)
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    services.find_token(plain)
    token.refresh_from_db()
    assert token.last_used_at == first
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    services.find_token(plain)
    token.refresh_from_db()
    assert token.last_used_at is not None
    assert token.last_used_at >= first


@pytest.mark.parametrize("name", ["", "  ", "x" * 81])
def test_a_token_needs_a_name(alice: User, name: str) -> None:
    with pytest.raises(UserError):
        services.create_token(owner=alice, name=name)
    assert not ApiToken.objects.exists()
