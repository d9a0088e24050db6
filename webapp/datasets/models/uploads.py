"""What people sent, and what became of every file of it."""

from __future__ import annotations

from django.db import models

from webapp.datasets.models.dataset import Dataset, DatasetVersion


class Upload(models.Model):
    """A file that somebody sent, and its import.

    State: QUEUED -> RUNNING -> FINISHED | FAILED. RUNNING -> QUEUED when its worker died (at most twice).
    An import is all or nothing: version, pictures and rejected files are committed together. Several may
    wait for one data set; one is imported at a time, in the order in which they came.
    """

    class Kind(models.TextChoices):
        FILE = "file", "Uploaded file"
        SAMPLE = "sample", "Sample data set"
        SERVER = "server", "Folder or file on the server"

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Importing"
        FINISHED = "finished", "Imported"
        FAILED = "failed", "Failed"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="uploads")
    version = models.OneToOneField(
        DatasetVersion, on_delete=models.SET_NULL, null=True, related_name="upload"
    )
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.FILE)
    name = models.CharField(max_length=255, help_text="File name as uploaded.")
    path = models.CharField(
        max_length=1024,
        help_text="Where it lies, relative to DATA_DIR (server-made name); absolute for one on the server.",
    )
    label = models.CharField(
        max_length=255, blank=True, help_text="For pictures that come without one, such as from the webcam."
    )
    size = models.BigIntegerField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    done = models.PositiveIntegerField(default=0, help_text="Files looked at.")
    total = models.PositiveIntegerField(default=0, help_text="Files in it, system files left out.")
    accepted = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    enqueued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class RejectedFile(models.Model):
    """A file of an upload that did not become a picture, and why. System files are not listed."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="rejected_files")
    name = models.CharField(max_length=1024)
    code = models.CharField(max_length=32, help_text="A value of search_engine.data.scan.Reason.")
    reason = models.CharField(max_length=500, help_text="A sentence for people: what is wrong, what to do.")
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of a copy: the picture that it copies.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.name}: {self.code}"


class Transfer(models.Model):
    """A file on its way in by tus 1.0: it arrives in pieces, and goes on where it stopped.

    State: ARRIVING -> DONE when its last byte is there (an ``Upload`` then has the file), or -> EXPIRED when
    nothing came for a day. ``offset`` is what is safely on disk; the file may be longer after a crash and is
    cut back to it.
    """

    class State(models.TextChoices):
        ARRIVING = "arriving", "Arriving"
        DONE = "done", "Arrived"
        EXPIRED = "expired", "Expired"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="transfers")
    key = models.CharField(max_length=43, unique=True, help_text="Names it in its address; random.")
    name = models.CharField(max_length=255, help_text="File name as uploaded.")
    label = models.CharField(max_length=255, blank=True, help_text="For pictures that come without one.")
    path = models.CharField(max_length=255, help_text="Relative to DATA_DIR; server-made name.")
    length = models.BigIntegerField(help_text="Bytes that are to come in all.")
    offset = models.BigIntegerField(default=0, help_text="Bytes that are on disk.")
    state = models.CharField(max_length=12, choices=State.choices, default=State.ARRIVING)
    upload = models.OneToOneField(Upload, on_delete=models.SET_NULL, null=True, related_name="transfer")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name
