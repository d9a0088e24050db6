"""Settings of a search, as plain frozen data that travels as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self

AUTO = "auto"
"""What leaves the choice of a space or a strategy open."""
FULL = "full"
"""The fidelity that trains every network to the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """What a user decides about a search.

    Attributes:
        budget_seconds: wall-clock seconds from the first work to the finished model.
        seed: rules every random choice.
        space: a name in ``search_engine.space.registry.SPACES``; or ``auto``, until the settings are settled.
        trunk: a name in ``search_engine.space.trunks.TRUNKS``, of the pretrained network.
        strategy: a name in ``search_engine.strategies.STRATEGIES``.
        random_share: fraction of the training that goes to networks drawn at random, as a control arm.
        slots: how many trials run side by side.
        max_trials: stop proposing after this many networks, whatever the time; None for no limit.
        max_parameters: weights that the whole network may have, trunk included; None for no limit.
        max_latency_ms: milliseconds that one picture may take it on this machine; None for no limit.
        objective: ``accuracy``, or ``mnasnet``: accuracy times a power of the latency, where
            ``max_latency_ms`` is then what is aimed at and not a bound.
        start: genome of a network to begin with, as ``Genome.to_dict`` writes it; of another search, say.
        fidelity: ``full`` trains every network for the plan's epochs; ``halving`` and ``asha`` train many
            for less and the best of them in full.
        saving: what the shorter trainings have less of: ``epochs``, ``pictures`` or, from scratch,
            ``resolution``.
        early_stop: whether a training is ended that will hardly beat the best so far.
        prefilter: whether of several proposals the one is trained that its size and synflow speak for, as
            long as these foretell accuracy in this very search.
        ensemble: whether several networks may answer together, if they are better so and within the limits.
        folds: of the cross-validation that judges networks; 1 for the validation pictures alone, None to
            leave it to the planner.
    """

    budget_seconds: float
    seed: int = 0
    space: str = "hybrid"
    trunk: str = "efficientnet_lite0"
    strategy: str = AUTO
    random_share: float = 0.15
    slots: int = 1
    max_trials: int | None = None
    max_parameters: int | None = None
    max_latency_ms: float | None = None
    objective: str = "accuracy"
    start: dict[str, Any] | None = None
    fidelity: str = FULL
    saving: str = "epochs"
    early_stop: bool = True
    prefilter: bool = False
    ensemble: bool = True
    folds: int | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the engine decided after measuring this machine on these pictures.

    Attributes:
        trunk: name in ``search_engine.space.trunks.TRUNKS``.
        resolution: side in pixels at which the networks see the pictures.
        pictures: how many training and validation pictures take part in the search; on a large set a
            random sample, so that a small budget still buys a search.
        epochs: full training length of one candidate.
        trial_seconds: expected seconds of one candidate on one slot.
        prepare_seconds: expected seconds until the activations are cached, all slots helping.
        finish_seconds: seconds kept back for the export, the sealed test and a look at the labels.
        rates: the measurements behind it: ``decode``, ``train`` and ``extract_<px>`` in pictures a second,
            ``trunk_latency_ms``, the median milliseconds of one picture through the trunk.
        space: a name in ``search_engine.space.registry.SPACES``.
        control_resolution: side in pixels at which the trunk sees the pictures for the linear probe alone,
            where the networks have no trunk; else 0.
        classes: labels; 0 in plans that were made before plans said so.
        pooled: whether networks on the trunk may read what is pooled of its every stage; not in plans that
            were made before that was offered, whose searches keep their decisions.
        augmented: whether recipes from scratch may bend and erase pictures; likewise.
        invariances: which changes leave the labels alone, as ``space.invariance`` has it; empty where nobody
            has tried.
        lesson: the augmentation that was learned and what it is worth, as ``space.lesson`` has it; empty
            where nobody tried or nothing was found.
        unfreeze: the most stages of the trunk that a network may train; 0 where there is no time for such
            networks, and in plans that were made before they were offered.
        tune_epochs, tune_seconds: epochs and expected seconds of a network that trains some.
        scratch_resolution, scratch_epochs, scratch_seconds: side, epochs and expected seconds of a network
            from scratch where both kinds are searched; the fields above are then those of networks on the
            trunk. No epochs where there is no time for such networks.
        validation: how many pictures judge a network that is trained in full, about; 0 where nobody asked.
            With ``folds`` these are all training and validation pictures.
        folds: in how many parts the pictures are divided for cross-validation: each network is trained so
            often, each time without one part, which then judges it. The validation pictures are the first
            part. Up to 1: the validation pictures alone judge.
        task: what is asked of the networks, as the manifest says: ``single`` label a picture, or ``multi``.
    """

    trunk: str
    resolution: int
    pictures: int
    epochs: int
    trial_seconds: float
    prepare_seconds: float
    finish_seconds: float
    rates: dict[str, float] = field(default_factory=dict)
    space: str = "hybrid"
    control_resolution: int = 0
    classes: int = 0
    pooled: bool = False
    augmented: bool = False
    invariances: dict[str, dict[str, Any]] = field(default_factory=dict)
    lesson: dict[str, Any] = field(default_factory=dict)
    unfreeze: int = 0
    tune_epochs: int = 0
    tune_seconds: float = 0.0
    scratch_resolution: int = 0
    scratch_epochs: int = 0
    scratch_seconds: float = 0.0
    validation: int = 0
    folds: int = 0
    task: str = "single"

    def affords(self, config: SearchConfig) -> int:
        """How many networks a search can train in all, as far as is known before it begins."""
        count = int(self.search_seconds(config) / self.trial_seconds)
        return max(1, count if config.max_trials is None else min(count, config.max_trials))

    def search_seconds(self, config: SearchConfig) -> float:
        """Seconds for training networks, of all slots together."""
        return max(1.0, config.budget_seconds - self.prepare_seconds - self.finish_seconds) * config.slots

    @property
    def crossed(self) -> bool:
        """Whether networks are judged by cross-validation."""
        return self.folds > 1

    @property
    def trunk_resolution(self) -> int:
        """Side in pixels at which the trunk sees the pictures."""
        return self.control_resolution or self.resolution

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(**data)
