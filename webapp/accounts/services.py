"""The only writer of accounts: the first user, and API tokens."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from webapp.accounts.models import ApiToken, User
from webapp.core.errors import UserError

TOKEN_PREFIX = "nw_"  # noqa: S105  # so that a leaked token can be found by its look
CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
USED_AT_MOST_EVERY = timedelta(minutes=1)  # one write a minute, however many requests


def setup_code_path() -> Path:
    """Where the launcher leaves the one-time code while nobody has an account."""
    return Path(settings.DATA_DIR) / "setup-code"


def ensure_setup_code() -> str | None:
    """The one-time code, made now if there is none yet; None, and no code, once somebody has an account."""
    path = setup_code_path()
    if User.objects.exists():
        path.unlink(missing_ok=True)
        return None
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            # 50 bits, in letters that are not mistaken for one another when they are read off a screen
            file.write("-".join("".join(secrets.choice(CODE_LETTERS) for _ in range(5)) for _ in range(2)))
    except FileExistsError:
        pass
    return path.read_text().strip()


def create_first_user(*, code: str, username: str, password: str) -> User:
    """Make the first account, against the code that the terminal printed; the code is then spent.

    Raises:
        UserError: somebody has an account already, the code is wrong, or name or password will not do.
    """
    with transaction.atomic():
        if User.objects.exists():
            raise UserError("already_set_up", "There is an account already. Log in with it.", status=409)
        _check_setup_code(code)
        if not username.strip():
            raise UserError("invalid_account", "Choose a user name.")
        user = User(username=username.strip(), is_staff=True, is_superuser=True)
        user.set_password(password)
        try:
            user.full_clean()
            validate_password(password, user)
        except ValidationError as error:
            raise UserError("invalid_account", " ".join(error.messages)) from error
        user.save()
    setup_code_path().unlink(missing_ok=True)
    return user


def _check_setup_code(given: str) -> None:
    path = setup_code_path()
    if not path.exists():
        raise UserError(
            "no_setup_code",
            "There is no set-up code yet. Restart Netwright and read it in the terminal.",
            status=409,
        )
    expected = path.read_text().strip()
    if not expected or not hmac.compare_digest(given.strip().encode(), expected.encode()):
        raise UserError(
            "wrong_setup_code",
            "This is not the set-up code. Copy it from the terminal in which Netwright was started.",
            status=403,
        )


def create_token(*, owner: User, name: str) -> tuple[ApiToken, str]:
    """A fresh API token and its text, which cannot be shown again: only its hash is kept."""
    name = name.strip()
    if not name or len(name) > 80:
        raise UserError(
            "invalid_name", "Give the token a name of at most 80 characters, to know it by later."
        )
    plain = TOKEN_PREFIX + secrets.token_urlsafe(30)  # 30 bytes are 40 characters
    token = ApiToken.objects.create(owner=owner, name=name, digest=_digest(plain), prefix=plain[:8])
    return token, plain


def delete_token(*, token: ApiToken) -> None:
    """Take a token back; requests with it are refused from now on."""
    token.delete()


def find_token(plain: str) -> ApiToken | None:
    """The token with this text, if it and its owner may be used; notes when that was."""
    token = (
        ApiToken.objects.select_related("owner").filter(digest=_digest(plain), owner__is_active=True).first()
    )
    if token is not None:
        now = timezone.now()
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_AT_MOST_EVERY)
        if token.last_used_at is None or token.last_used_at < now - USED_AT_MOST_EVERY:
            ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token


def _digest(plain: str) -> str:
    # A token has 240 random bits, so a plain hash does: there is nothing to guess, and it can be looked up.
    return hashlib.sha256(plain.encode()).hexdigest()
