"""Several uploads for one data set: imported one at a time, in the order in which they came."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from tests.web.factories import label_files, make_dataset, zip_upload
from webapp.accounts.models import User
from webapp.datasets import recovery, services
from webapp.datasets.claims import claim_upload, next_upload
from webapp.datasets.models import Dataset, Upload
from webapp.datasets.tasks import import_upload, requeue_lost

Enqueued = list[tuple[str, tuple[int, ...]]]


def three_uploads(owner: User) -> tuple[Dataset, list[Upload]]:
    dataset = make_dataset(owner)
    uploads = [
        services.receive_upload(dataset=dataset, file=content)
        for content in (
            zip_upload(label_files(each=4)),
            zip_upload(b"no zip at all"),
            zip_upload(label_files(each=4, first=4)),
        )
    ]
    return dataset, uploads


def states(dataset: Dataset) -> list[str]:
    return list(dataset.uploads.order_by("pk").values_list("state", flat=True))


def age(upload: Upload) -> None:
    past = timezone.now() - timedelta(hours=1)
    Upload.objects.filter(pk=upload.pk).update(enqueued_at=past, heartbeat_at=past)


def test_each_ends_and_sends_the_next(alice: User, enqueued: Enqueued) -> None:
    dataset, uploads = three_uploads(alice)
    assert [ids for _, ids in enqueued] == [(upload.pk,) for upload in uploads]
    seen: list[tuple[list[str], str]] = []
    for upload in uploads:
        enqueued.clear()
        import_upload(upload.pk)
        dataset.refresh_from_db()
        seen.append((states(dataset), dataset.state))
        following = [each.pk for each in uploads if each.pk > upload.pk][:1]
        assert [ids[0] for _, ids in enqueued] == following
    assert seen == [
        (["finished", "queued", "queued"], "importing"),
        (["finished", "failed", "queued"], "importing"),
        (["finished", "failed", "finished"], "ready"),
    ]
    assert [version.pictures for version in dataset.versions.order_by("number")] == [8, 16]


def test_nobody_overtakes(alice: User) -> None:
    _, (first, second, third) = three_uploads(alice)
    assert claim_upload(third.pk) is None
    assert claim_upload(second.pk) is None
    assert claim_upload(first.pk) is not None
    assert claim_upload(second.pk) is None
    Upload.objects.filter(pk=first.pk).update(state=Upload.State.FINISHED)
    assert claim_upload(third.pk) is None
    assert claim_upload(second.pk) is not None


def test_data_sets_do_not_wait_for_each_other(alice: User) -> None:
    _, one = three_uploads(alice)
    _, other = three_uploads(alice)
    assert claim_upload(one[0].pk) is not None
    assert claim_upload(other[0].pk) is not None


def test_one_that_lost_its_worker_is_still_the_first(alice: User, enqueued: Enqueued) -> None:
    dataset, (first, second, third) = three_uploads(alice)
    claim_upload(first.pk)
    for upload in (first, second, third):
        age(upload)
    enqueued.clear()
    requeue_lost()
    assert enqueued == [("import_upload", (first.pk,))]
    import_upload(second.pk)
    assert states(dataset) == ["queued", "queued", "queued"]
    import_upload(first.pk)
    assert states(dataset) == ["finished", "queued", "queued"]


def test_a_lost_message_of_the_next_one_is_sent_again(alice: User, enqueued: Enqueued) -> None:
    _, (first, second, third) = three_uploads(alice)
    import_upload(first.pk)
    age(second)
    age(third)
    enqueued.clear()
    requeue_lost()
    assert enqueued == [("import_upload", (second.pk,))]


def test_the_next_one_goes_on_after_one_that_kills_workers(alice: User) -> None:
    dataset, (first, second, _) = three_uploads(alice)
    claim_upload(first.pk)
    Upload.objects.filter(pk=first.pk).update(attempts=recovery.MAX_ATTEMPTS)
    age(first)
    age(second)
    assert recovery.lost_uploads() == [second.pk]
    dataset.refresh_from_db()
    assert (states(dataset)[0], dataset.state) == ("failed", Dataset.State.IMPORTING)


def test_an_upload_that_comes_while_the_last_one_ends_is_not_forgotten(alice: User) -> None:
    dataset, uploads = three_uploads(alice)
    for upload in uploads:
        import_upload(upload.pk)
    late = services.receive_upload(dataset=dataset, file=zip_upload(label_files(("blue",))))
    assert dataset.state == Dataset.State.IMPORTING
    assert next_upload(dataset.pk) == late.pk


def test_a_message_that_comes_late_leaves_a_ready_data_set_ready(alice: User) -> None:
    dataset = make_dataset(alice)
    upload = services.receive_upload(dataset=dataset, file=zip_upload(label_files()))
    import_upload(upload.pk)
    import_upload(upload.pk)
    dataset.refresh_from_db()
    assert dataset.state == Dataset.State.READY
