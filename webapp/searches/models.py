"""Searches, their slots and their trials. The database is the truth; strategies are rebuilt from it."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Search(models.Model):
    """One search for a network.

    State: QUEUED -> RUNNING -> FINISHED | CANCELLED | FAILED; QUEUED -> CANCELLED; QUEUED -> FAILED if all
    its slots were lost too often before one of them started it.
    QUEUED | RUNNING -> PAUSED -> QUEUED | RUNNING, back to where it was; PAUSED -> CANCELLED if it is stopped
    before it began. While PAUSED no slot lives and the budget's clock stands still.
    FINISHED | CANCELLED -> RUNNING (QUEUED if it never began) when minutes are added: its next round.
    While RUNNING the phase goes MEASURE -> PREPARE -> SEARCH -> FINISH; it cannot be paused in FINISH. A stop
    request is a flag: the phase goes to FINISH with the best so far, and then the state to CANCELLED.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        FINISHED = "finished", "Finished"
        CANCELLED = "cancelled", "Stopped"
        FAILED = "failed", "Failed"

    class Phase(models.TextChoices):
        WAITING = "waiting", "Waiting for a worker"
        MEASURE = "measure", "Measuring this machine"
        PREPARE = "prepare", "Looking at the pictures"
        SEARCH = "search", "Trying networks"
        FINISH = "finish", "Finishing the best network"
        DONE = "done", "Done"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="searches")
    version = models.ForeignKey("datasets.DatasetVersion", on_delete=models.CASCADE, related_name="searches")
    budget_minutes = models.FloatField()
    seed = models.PositiveIntegerField(default=0)
    strategy = models.CharField(max_length=32, default="auto")
    space = models.CharField(max_length=32, default="hybrid")
    trunk = models.CharField(max_length=32, default="efficientnet_lite0", help_text="The pretrained network.")
    fidelity = models.CharField(max_length=32, default="full")
    saving = models.CharField(max_length=32, default="epochs", help_text="What a short training has less of.")
    objective = models.CharField(max_length=32, default="accuracy")
    random_share = models.FloatField(default=0.15, help_text="Of the training, for networks drawn at random.")
    prefilter = models.BooleanField(default=False)
    early_stop = models.BooleanField(default=True)
    max_latency_ms = models.FloatField(null=True, blank=True, help_text="A picture may take so long.")
    max_parameters = models.PositiveBigIntegerField(null=True, blank=True)
    start = models.JSONField(null=True, blank=True, help_text="Genome that is tried first.")
    start_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", help_text="Whose it is."
    )
    ensemble = models.BooleanField(default=True, help_text="Several networks may answer together.")
    slot_count = models.PositiveSmallIntegerField(default=1)
    max_trials = models.PositiveIntegerField(null=True, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    phase = models.CharField(max_length=12, choices=Phase.choices, default=Phase.WAITING)
    stop_requested = models.BooleanField(default=False)
    plan = models.JSONField(null=True, blank=True, help_text="search_engine.config.Plan, once measured.")
    progress = models.JSONField(default=dict, help_text='{"text", "done", "total"} of the phase.')
    error = models.TextField(blank=True, help_text="Why it failed, and what to do.")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True, help_text="The budget's clock starts here.")
    paused_at = models.DateTimeField(null=True, blank=True, help_text="The clock stands still since then.")
    paused_seconds = models.FloatField(default=0.0, help_text="How long it has stood still before, in all.")
    round = models.PositiveSmallIntegerField(default=0, help_text="How often it was continued after its end.")
    continued_at = models.DateTimeField(null=True, blank=True, help_text="When the present round began.")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "searches"

    def __str__(self) -> str:
        return f"search {self.pk} on {self.version}"

    @property
    def folds(self) -> int:
        """Of the cross-validation that judges its networks; 1 where the validation pictures alone do."""
        return max(1, int((self.plan or {}).get("folds", 0)))

    @property
    def is_multi(self) -> bool:
        """Whether pictures may have several labels. Accuracies are then shares of labels decided rightly."""
        task = self.version.dataset.task if self.plan is None else self.plan.get("task")
        return task == "multi"

    @property
    def counted(self) -> str:
        """What accuracies count: they are shares of these."""
        return "labels of pictures" if self.is_multi else "pictures"

    @property
    def right_of_100(self) -> str:
        """What an accuracy is called above a column of such."""
        return "Labels right, of 100" if self.is_multi else "Right, of 100"

    @property
    def is_over(self) -> bool:
        return self.state in (self.State.FINISHED, self.State.CANCELLED, self.State.FAILED)

    @property
    def is_paused(self) -> bool:
        return self.state == self.State.PAUSED

    @property
    def is_finishing(self) -> bool:
        """Whether it is on its way to the end, so that there is nothing left to pause, stop or prolong."""
        return not self.is_over and (self.stop_requested or self.phase == self.Phase.FINISH)

    @property
    def can_go_on(self) -> bool:
        """Whether it is over in a way that minutes can be added to."""
        return self.state in (self.State.FINISHED, self.State.CANCELLED)


class Slot(models.Model):
    """A place where trials run: one Celery task on one worker, with its own engine process.

    State: QUEUED -> RUNNING -> DONE. RUNNING -> QUEUED when its heartbeat stops (the worker died).
    QUEUED | RUNNING -> DONE when the search is paused, and DONE -> QUEUED when it goes on.
    ``doing`` says which step it holds, so that the step can be given to another slot.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"

    search = models.ForeignKey(Search, on_delete=models.CASCADE, related_name="slots")
    index = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    claim = models.CharField(
        max_length=32, blank=True, help_text="Random; proves that a claim is still ours."
    )
    doing = models.CharField(
        max_length=32, blank=True, help_text='"measure", "prepare", "train 7", "export 7".'
    )
    worker = models.CharField(max_length=120, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # claims since a trial was last trained on it
    enqueued_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["index"]
        constraints = [models.UniqueConstraint(fields=["search", "index"], name="one_slot_an_index")]

    def __str__(self) -> str:
        return f"slot {self.index} of {self.search_id}"


class Trial(models.Model):
    """One candidate network (or control) of a search; the states are those of ``search_engine.trial``."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Training"
        FINISHED = "finished", "Trained"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Stopped"

    class Kind(models.TextChoices):
        MAJORITY = "majority", "Always the most common label"
        LINEAR_PROBE = "linear_probe", "Plain transfer learning"
        FINE_TUNE = "fine_tune", "Plain fine-tuning"
        SUPERNET = "supernet", "Shared weights"
        NETWORK = "network", "Network"
        ENSEMBLE = "ensemble", "Networks that answer together"
        REFIT = "refit", "Network, trained on all pictures"

    class Origin(models.TextChoices):
        CONTROL = "control", "Control"
        STRATEGY = "strategy", "Search"
        RANDOM = "random", "Random"
        FINISH = "finish", "Finish"

    search = models.ForeignKey(Search, on_delete=models.CASCADE, related_name="trials")
    slot = models.ForeignKey(Slot, on_delete=models.SET_NULL, null=True, blank=True, related_name="trials")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    origin = models.CharField(max_length=12, choices=Origin.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    vector = models.JSONField(default=list)
    genome = models.JSONField(null=True, blank=True)
    genome_hash = models.CharField(max_length=16, blank=True, db_index=True)
    parent_number = models.PositiveIntegerField(null=True, blank=True)
    seed = models.BigIntegerField()
    epochs_planned = models.PositiveIntegerField(default=0)
    rung = models.PositiveSmallIntegerField(default=0, help_text="Its fidelity, 0 the cheapest.")
    drawn = models.PositiveSmallIntegerField(default=1, help_text="Of how many proposals it was picked.")
    repeat_of = models.PositiveIntegerField(
        null=True, blank=True, help_text="Number of the trial that is the same network and was trained."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    error_kind = models.CharField(max_length=24, blank=True)
    killed = models.BooleanField(default=False, help_text="Ended early: it would hardly have won.")
    members = models.JSONField(
        default=list, blank=True, help_text="Of an ensemble: numbers of trials with their weights."
    )
    found = models.JSONField(default=list, blank=True, help_text="Of a supernet: vectors with accuracies.")

    accuracy = models.FloatField(
        null=True, blank=True, help_text="Validation, 0..1, of what ``Search.counted`` says."
    )
    standard_error = models.FloatField(null=True, blank=True)
    loss = models.FloatField(null=True, blank=True)
    figures = models.JSONField(
        default=dict,
        blank=True,
        help_text='Where pictures may have several labels: "mean_average_precision", "subset_accuracy".',
    )
    parameters = models.BigIntegerField(null=True, blank=True)
    macs = models.BigIntegerField(null=True, blank=True)
    latency_ms = models.FloatField(null=True, blank=True)
    size_bytes = models.BigIntegerField(null=True, blank=True)
    epochs = models.PositiveIntegerField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True)
    right = models.TextField(
        blank=True, default="", help_text="Which validation pictures it is right on: bootstrap.pack_bits."
    )
    clock = models.FloatField(
        null=True, blank=True, help_text="Seconds of the budget that were spent when it ended; no pauses."
    )

    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["search", "number"], name="one_trial_a_number")]

    def __str__(self) -> str:
        return f"trial {self.number} of {self.search_id}"


class Epoch(models.Model):
    """One pass over the training pictures of a trial."""

    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="epoch_rows")
    number = models.PositiveIntegerField()
    train_loss = models.FloatField()
    accuracy = models.FloatField()
    seconds = models.FloatField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["trial", "number"], name="one_epoch_a_number")]

    def __str__(self) -> str:
        return f"epoch {self.number} of {self.trial_id}"


class LogLine(models.Model):
    """What happened in a search, for people."""

    class Level(models.TextChoices):
        INFO = "info", "Info"
        WARNING = "warning", "Warning"
        ERROR = "error", "Error"

    search = models.ForeignKey(Search, on_delete=models.CASCADE, related_name="log_lines")
    at = models.DateTimeField(auto_now_add=True)
    level = models.CharField(max_length=8, choices=Level.choices, default=Level.INFO)
    text = models.TextField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text
