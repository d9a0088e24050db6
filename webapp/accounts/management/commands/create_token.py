"""`manage.py create_token USERNAME`: print a fresh API token, once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from webapp.accounts.models import User
from webapp.accounts.services import create_token
from webapp.core.errors import UserError


class Command(BaseCommand):
    help = "Print a fresh API token for a user. It is stored hashed and cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="Made in the terminal", help="what the token is for")

    def handle(self, *args: Any, **options: Any) -> None:
        username = options["username"]
        owner = User.objects.filter(username=username).first()
        if owner is None:
            raise CommandError(f"There is no user {username!r}. Names are spelled as on the log-in page.")
        try:
            _, plain = create_token(owner=owner, name=options["name"])
        except UserError as error:
            raise CommandError(error.message) from error
        self.stdout.write(plain)
