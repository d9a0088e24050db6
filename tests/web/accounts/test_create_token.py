"""`manage.py create_token` prints the token and nothing else."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from webapp.accounts.models import User
from webapp.accounts.services import find_token


def test_it_prints_a_token_that_works(alice: User) -> None:
    out = StringIO()
    call_command("create_token", "alice", stdout=out)
    plain = out.getvalue().removesuffix("\n")
    token = find_token(plain)
    assert token is not None
    assert token.owner == alice


def test_it_says_that_there_is_no_such_user(alice: User) -> None:
    with pytest.raises(CommandError, match="no user 'alicia'"):
        call_command("create_token", "alicia", stdout=StringIO())
