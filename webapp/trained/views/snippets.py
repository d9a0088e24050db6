"""How to ask a model from outside, ready to be pasted."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from webapp.trained.models import TrainedModel

TOKEN = "YOUR_TOKEN"  # noqa: S105  # stands where a token belongs


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code around the place where the token belongs."""

    title: str
    before: str
    after: str
    token: str = TOKEN


def snippets(request: HttpRequest, model: TrainedModel) -> list[Snippet]:
    """The same question by curl and by Python, with the address that this page was asked under."""
    url = endpoint(request, model)
    return [
        Snippet(
            "curl",
            'curl -H "Authorization: Bearer ',
            f'" \\\n     -F image=@picture.jpg \\\n     {url}',
        ),
        Snippet(
            "Python",
            "import json\nimport urllib.request\n\n"
            f'request = urllib.request.Request(\n    "{url}",\n    data=open("picture.jpg", "rb").read(),\n'
            '    headers={\n        "Authorization": "Bearer ',
            '",\n        "Content-Type": "application/octet-stream",\n    },\n)\n'
            "answer = json.load(urllib.request.urlopen(request))\n" + printed(model),
        ),
    ]


def printed(model: TrainedModel) -> str:
    """The last line: the likeliest label, or all that the picture has."""
    if model.is_multi:
        return 'print([each["label"] for each in answer["predictions"] if each["chosen"]])'
    return 'print(answer["predictions"][0])'


def endpoint(request: HttpRequest, model: TrainedModel) -> str:
    return request.build_absolute_uri(f"/api/v1/models/{model.pk}/predict")
