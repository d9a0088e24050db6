"""The tus addresses in the API's documentation; Ninja does not know of them, since they are not its own."""

from __future__ import annotations

from typing import Any

TAG = "Resumable uploads"
DESCRIPTION = """
### Large files: resumable uploads

Files of any size go to `/api/v1/uploads` by [tus 1.0](https://tus.io/protocols/resumable-upload), for which
there are clients in most languages. An upload that was cut goes on where it stopped, also after a restart of
the server; one that stops for a day is forgotten. The metadata are `dataset` (the id of yours that it goes
to), `filename`, and if you like `label`, for pictures that come without one. With the last byte the import
begins: look at the data set.
"""

VERSION = {
    "name": "Tus-Resumable",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "enum": ["1.0.0"]},
}
OFFSET = {
    "name": "Upload-Offset",
    "in": "header",
    "required": True,
    "description": "Where in the file this piece begins.",
    "schema": {"type": "integer"},
}
CHECKSUM = {
    "name": "Upload-Checksum",
    "in": "header",
    "description": "`sha256` or `sha1`, a space, and the digest of this piece in base64.",
    "schema": {"type": "string"},
}
KEY = {"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}
PIECE = {
    "content": {"application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    "required": True,
}
SECURITY: list[dict[str, list[str]]] = [{"TokenAuth": []}, {"SessionAuth": []}]


def operation(summary: str, text: str, parameters: list[Any], responses: dict[str, str]) -> dict[str, Any]:
    answers = {status: {"description": meaning} for status, meaning in responses.items()}
    return {
        "tags": [TAG],
        "summary": summary,
        "description": text,
        "parameters": [VERSION, *parameters],
        "responses": answers,
        "security": SECURITY,
    }


PATHS: dict[str, dict[str, Any]] = {
    "/api/v1/uploads": {
        "post": operation(
            "Announce a file",
            "`Upload-Length` says how long it is, `Upload-Metadata` what it is. The answer's `Location` is "
            "where its pieces go. A body is taken as the first piece.",
            [
                {
                    "name": "Upload-Length",
                    "in": "header",
                    "required": True,
                    "schema": {"type": "integer"},
                    "description": "Bytes of the whole file.",
                },
                {
                    "name": "Upload-Metadata",
                    "in": "header",
                    "required": True,
                    "schema": {"type": "string"},
                    "description": "`dataset` (its id), `filename` and `label`: `key value,key value`, each "
                    "value in base64.",
                    "example": "dataset NQ==,filename d2FzdGUuemlw",
                },
                CHECKSUM,
            ],
            {
                "201": "It may come.",
                "400": "A header is missing or wrong.",
                "404": "No such data set.",
                "412": "Another version of tus.",
                "413": "It is too large.",
                "507": "No room on the disk.",
            },
        )
        | {"requestBody": {**PIECE, "required": False}},
        "options": {
            "tags": [TAG],
            "summary": "What is offered",
            "responses": {"204": {"description": "Version, extensions and limits, as headers."}},
            "security": [],
        },
    },
    "/api/v1/uploads/{key}": {
        "head": operation(
            "Ask how far it is",
            "`Upload-Offset` of the answer is where to go on.",
            [KEY],
            {"200": "So far.", "404": "No such upload.", "410": "It is forgotten: begin again."},
        ),
        "patch": operation(
            "Send a piece",
            "Of any length. If the connection breaks, what came is kept, except with a checksum.",
            [KEY, OFFSET, CHECKSUM],
            {
                "204": "It is here; `Upload-Offset` says up to where.",
                "404": "No such upload.",
                "409": "The piece does not begin where the last one ended.",
                "410": "It is forgotten: begin again.",
                "411": "Content-Length is missing.",
                "413": "The piece goes beyond the announced end.",
                "415": "Wrong Content-Type.",
                "423": "Another request is sending just now.",
                "460": "The checksum differs: send the piece again.",
                "507": "The disk is full; what came is kept.",
            },
        )
        | {"requestBody": PIECE},
        "delete": operation(
            "Cancel",
            "What came of it is removed.",
            [KEY],
            {"204": "Gone.", "404": "No such upload.", "409": "It has arrived already."},
        ),
    },
}
