"""JSON lines as Vertex AI writes them, and JSON as COCO and Label Studio do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from search_engine.data.annotations.rows import ListError, Listing
from search_engine.data.annotations.words import FILE_WORDS, LABEL_WORDS, LABELS_WORDS, USE_WORDS, plain

MAX_VALUES = 2_000_000  # of one JSON; each takes some hundred bytes in memory
ML_USE = "aiplatform.googleapis.com/ml_use"


def read_jsonl(data: bytes, max_rows: int) -> Listing | None:
    """One object a line. None if it is no list of labels.

    Raises:
        ListError: a line is no JSON; the text names it.
    """
    listing = Listing(certain=True)
    for number, line in _lines(data):
        if len(listing.rows) + len(listing.bad) >= max_rows:
            raise ListError(f"has more than {max_rows:,} rows. Upload it in parts")
        found = _parse(line, f"line {number}")
        if not isinstance(found, dict):
            return None
        add_object(listing, f"line {number}", found)
    return listing if listing.rows else None


def read_json(data: bytes, max_rows: int) -> Listing | None:
    """COCO, Label Studio, or a list of plain objects. None if it is none of these.

    Raises:
        ListError: it is no JSON.
    """
    found = _parse(data, "")
    if isinstance(found, dict):
        if not all(isinstance(found.get(key), list) for key in ("images", "annotations", "categories")):
            return None
        listing = _coco(found)
    elif isinstance(found, list) and found and all(isinstance(task, dict) for task in found):
        listing = Listing(certain=True)
        for number, task in enumerate(found, start=1):
            if isinstance(task.get("data"), dict):
                listing.add(f"task {task.get('id', number)}", _source(task["data"]), _choices(task))
            else:
                add_object(listing, f"entry {number}", task)
        if not listing.rows:
            return None
    else:
        return None
    if len(listing.rows) > max_rows:
        raise ListError(f"has more than {max_rows:,} rows. Upload it in parts")
    return listing


def add_object(listing: Listing, where: str, found: dict[str, Any]) -> None:
    """A row from an object of Vertex AI, or one with fields of usual names."""
    fields = {plain(key): value for key, value in found.items()}
    path = next((fields[word] for word in FILE_WORDS if word in fields), None)
    labels: list[object] = [_named(label) for word in LABEL_WORDS if (label := fields.get(word)) is not None]
    for word in LABELS_WORDS:
        value = fields.get(word, [])
        labels += [_named(label) for label in value] if isinstance(value, list) else [_named(value)]
    one = fields.get("classificationannotation")
    several = fields.get("classificationannotations")
    for annotation in [one] if one else several if isinstance(several, list) else []:
        labels.append(annotation.get("displayName") if isinstance(annotation, dict) else annotation)
    use = next((fields[word] for word in USE_WORDS if word in fields), None)
    if isinstance(resource := fields.get("dataitemresourcelabels"), dict):
        use = resource.get(ML_USE, use)
    if isinstance(choices := fields.get("choice"), dict):  # Label Studio's small JSON
        several = choices.get("choices")
        labels = several if isinstance(several, list) else []
    listing.add(where, path, labels, use)


def _named(label: object) -> object:
    return label.get("displayName", label.get("name", label)) if isinstance(label, dict) else label


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.strip():
            yield number, line


def _parse(data: bytes, where: str) -> Any:
    if data.count(b",") + data.count(b"{") + data.count(b"[") > MAX_VALUES:
        raise ListError(
            f"holds more than {MAX_VALUES:,} values. Leave out outlines of objects, or split it up"
        )
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        at = where or (f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "its nesting")
        raise ListError(f"is no JSON at {at}. Export it again") from error


def _coco(found: dict[str, Any]) -> Listing:
    """A picture has the set of the categories of its annotations."""
    listing = Listing(certain=True)
    names = {_key(each): each.get("name") for each in found["categories"] if isinstance(each, dict)}
    labels: dict[str, dict[str, None]] = {}
    for number, annotation in enumerate(found["annotations"], start=1):
        if isinstance(annotation, dict):
            category = str(annotation.get("category_id"))
            if category not in names:
                listing.lost(
                    f"annotation {number}", f"It has a category, {category[:40]}, that is not listed."
                )
            else:
                labels.setdefault(str(annotation.get("image_id")), {})[category] = None
    for number, image in enumerate(found["images"], start=1):
        where = f"image {number}"
        if isinstance(image, dict):
            carried = [names[category] for category in labels.get(_key(image), {})]
            listing.add(where, image.get("file_name"), carried, image.get("split"))
        else:
            listing.lost(where, "It is no object with a file_name.")
    return listing


def _key(each: dict[str, Any]) -> str:
    return str(each.get("id"))


def _source(data: dict[str, Any]) -> object:
    """The address of a task's picture."""
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    return next(
        (texts[word] for word in ("image", *FILE_WORDS) if word in texts), next(iter(texts.values()), None)
    )


def _choices(task: dict[str, Any]) -> list[object]:
    """The choices of the newest annotation that was not cancelled; two annotators are not two labels."""
    done = task.get("annotations", task.get("completions"))
    valid = [each for each in done if isinstance(each, dict)] if isinstance(done, list) else []
    valid = [each for each in valid if not each.get("was_cancelled")]
    newest = max(reversed(valid), key=lambda each: str(each.get("updated_at") or ""), default={})
    results = newest.get("result")
    labels: list[object] = []
    for result in results if isinstance(results, list) else []:
        value = result.get("value") if isinstance(result, dict) else None
        choices = value.get("choices") if isinstance(value, dict) else None
        labels += choices if isinstance(choices, list) else []
    return labels
