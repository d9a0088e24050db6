"""The planner: from rates measured on this machine to a plan that fits the budget. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from search_engine.config import FULL, Plan, SearchConfig
from search_engine.reserve import doubt_reserve
from search_engine.space.registry import ANY, HYBRID
from search_engine.space.scratch_space import RESOLUTIONS
from search_engine.space.trunks import TRUNKS, TrunkSpec

FIRST_MODEL_SECONDS = 35.0  # so that the first usable model is there within a minute, start-up included
PREPARE_SHARE = 0.15  # of the budget, when that is more
SHORT_PREPARE_SHARE = 0.30  # never more than this, so that a short budget still buys a search
TRIALS_WANTED = 24  # networks, if nobody asks for a number; below a dozen a search is a lottery
EPOCHS = (6, 30)  # fewer than 6 do not rank candidates, more than 30 overfit cached activations
MEMORY_BYTES = 1_000_000_000  # of activations held by one slot
CONTROL_RESOLUTION = 96  # of the trunk's linear probe, where it is no more than a control: cheap
SCRATCH_EPOCHS = (12, 40)  # fewer than 12 from nothing are still guesses
SCRATCH_GOOD_EPOCHS = 16  # what a higher resolution must leave
SCRATCH_FEWEST = 8  # networks; a set too large for so many is sampled
PILOT_EPOCHS = (8, 40)  # of networks from scratch beside those on a trunk: 8 told three data sets apart
PILOT_SHARE = 0.1  # of the search for one such network; two begin the search
PILOT_MOST = 0.25  # of the search; where one takes more, they are left out
WALL_SHARE = 0.25  # of the time that passes for one long network: many slots share a search, not a network
WALL_MOST = 0.5  # beyond this, such networks are left out
TUNE_EPOCHS = (4, 8)  # of a trunk trained in part, which begins as a network that is fitted already
TUNE_SEEN = (5000, 10_000)  # pictures in all those epochs, at least; in few steps a trunk only forgets
TUNE_SHARE = 0.1  # of the search for one such network at the most
TUNE_HEAD_SECONDS = 5.0  # until its head is fitted on the frozen trunk
TUNE_MEASURED = (2, 128)  # stages trained, and pixels, at which its rate is measured
TUNE_FROM_SECONDS = 180.0  # budgets below cannot afford it on a CPU, and not the second of measuring either
FALLBACK_RESOLUTION = 128  # when no resolution lets every picture in: a sample of them at this one
FOLDS = 5  # of a cross-validation: the validation split and four parts of the training pictures
FEW_VALIDATION = 500  # pictures: from here on the best of many networks is no longer mostly luck
FOLD_EPOCHS = 12  # that each fold must get, with the usual number of networks
MARGIN = 1.15  # a shared machine gets slower while one looks


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What was measured, one slot alone.

    Attributes:
        decode: pictures decoded and resized a second.
        extract: resolution to pictures through the trunk a second.
        train: resolution to pictures a second through forward and backward of a typical candidate.
        scratch: the same of networks from scratch, where both kinds are searched; else empty.
        tune: the same of a trunk that is trained in part as ``TUNE_MEASURED`` says; 0 if it was not measured.
    """

    decode: float
    extract: Mapping[int, float]
    train: Mapping[int, float]
    scratch: Mapping[int, float] = field(default_factory=dict)
    tune: float = 0.0


def make_plan(
    config: SearchConfig,
    rates: Rates,
    *,
    trunk: str,
    pictures: int,
    test_pictures: int,
    spent: float,
    validation: int = 0,
) -> Plan:
    """Fit trunk resolution, sample size, epochs and cross-validation into the budget.

    Args:
        config: budget and slots.
        rates: measured.
        trunk: name in ``TRUNKS``.
        pictures: of the training and validation splits.
        test_pictures: of the sealed split; evaluating them at the end takes time too.
        spent: seconds already gone.
        validation: pictures of the validation split; 0 where nobody asks for a cross-validation.

    Returns:
        The plan, with cross-validation if the validation split is small and time allows, or as the settings
        say. Its resolution is the highest at which every picture fits the share of preparing or, from
        scratch, at which the usual number of networks can be trained well.
    """
    budget = max(1.0, config.budget_seconds - spent)
    make = _plan_on_trunk if config.space in (HYBRID, ANY) else _plan_from_scratch

    def plan(folds: int) -> Plan:
        return make(
            config,
            rates,
            trunk=trunk,
            pictures=pictures,
            test_pictures=test_pictures,
            budget=budget,
            folds=folds,
        )

    def judged(made: Plan) -> Plan:
        part = 1.0 if made.crossed else validation / max(1, pictures)
        return replace(made, validation=round(part * made.pictures))

    if config.folds is not None:
        return judged(plan(config.folds))
    whole = judged(plan(1))
    if not 0 < whole.validation < FEW_VALIDATION:
        return whole
    crossed = judged(plan(FOLDS))
    return crossed if _affordable(whole, crossed) else whole


def _affordable(whole: Plan, crossed: Plan) -> bool:
    """Whether cross-validation costs no more than training time that can be spared.

    Args:
        whole, crossed: the same search without and with it.
    """
    return (
        crossed.resolution == whole.resolution
        and crossed.pictures == whole.pictures
        and crossed.scratch_resolution == whole.scratch_resolution
        and crossed.unfreeze == whole.unfreeze
        and crossed.epochs >= (FOLD_EPOCHS if whole.space in (HYBRID, ANY) else SCRATCH_GOOD_EPOCHS)
        # Fewer may be the fewest there are, which take whatever time they take.
        and (crossed.scratch_epochs >= SCRATCH_GOOD_EPOCHS or not whole.scratch_epochs)
    )


def _plan_on_trunk(
    config: SearchConfig,
    rates: Rates,
    *,
    trunk: str,
    pictures: int,
    test_pictures: int,
    budget: float,
    folds: int,
) -> Plan:
    spec = TRUNKS[trunk]
    limit = _prepare_limit(budget)

    def seconds(resolution: int, n: int) -> float:
        return MARGIN * n * (1.0 / rates.decode + 1.0 / rates.extract[resolution]) / config.slots

    fitting = [r for r in spec.resolutions if seconds(r, pictures) <= limit]
    resolution = max(fitting, default=FALLBACK_RESOLUTION)
    most = min(int(limit / seconds(resolution, 1)), MEMORY_BYTES // picture_bytes(spec, resolution))
    used = max(1, min(pictures, most))
    prepare = seconds(resolution, used)
    finish = MARGIN * test_pictures * (1.0 / rates.decode + 1.0 / rates.extract[resolution]) + 6.0
    finish += doubt_reserve(config, folds)
    search = max(1.0, budget - prepare - finish)
    epoch_seconds = folds * used / rates.train[resolution]
    wanted = search * config.slots / _trials_wanted(config)
    epochs = round(min(max(wanted / epoch_seconds, EPOCHS[0]), EPOCHS[1]))
    plan = Plan(
        trunk=trunk,
        resolution=resolution,
        pictures=used,
        epochs=epochs,
        trial_seconds=MARGIN * epochs * epoch_seconds + 1.0,
        prepare_seconds=prepare,
        finish_seconds=finish,
        rates=_rates(rates, resolution),
        space=config.space,
        pooled=True,
        augmented=True,
        folds=folds,
    )
    plan = _with_tuning(config, plan, rates, search * config.slots)
    return _with_scratch(config, plan, rates, search * config.slots) if config.space == ANY else plan


def _with_tuning(config: SearchConfig, plan: Plan, rates: Rates, search: float) -> Plan:
    """The plan with networks that train a part of the trunk, if there is time and memory for such.

    As many stages as there is time for, since more of them are worth more than more epochs. Their lengths of
    training are their own, and shorter lengths rank them no better, so they go with full training only.
    """
    spec = TRUNKS[plan.trunk]
    if not rates.tune or config.fidelity != FULL:
        return plan
    least, most = (max(e, math.ceil(n / plan.pictures)) for e, n in zip(TUNE_EPOCHS, TUNE_SEEN, strict=True))
    for unfreeze in range(len(spec.tails), 0, -1):
        epoch_seconds = plan.folds * plan.pictures / tune_rate(spec, rates, unfreeze, plan.resolution)
        head = plan.folds * TUNE_HEAD_SECONDS
        wanted = min(TUNE_SHARE, WALL_SHARE / config.slots) * search
        epochs = min(int((wanted - head) / (MARGIN * epoch_seconds)), most)
        memory = plan.pictures * picture_bytes(spec, plan.resolution, unfreeze)
        if epochs >= least and memory <= MEMORY_BYTES:
            seconds = MARGIN * epochs * epoch_seconds + head
            return replace(plan, unfreeze=unfreeze, tune_epochs=epochs, tune_seconds=seconds)
    return plan


def tune_rate(spec: TrunkSpec, rates: Rates, unfrozen: int, resolution: int) -> float:
    """Pictures a second through training the last stages of a trunk: as measured, by their multiply-adds."""
    stages, side = TUNE_MEASURED
    return rates.tune * spec.tails[stages - 1].macs(side) / spec.tails[unfrozen - 1].macs(resolution)


def _with_scratch(config: SearchConfig, plan: Plan, rates: Rates, search: float) -> Plan:
    """The plan with networks from scratch beside those on the trunk.

    They are trained for longer than those and there are fewer of them: from nothing, time is worth more than
    choice.
    """
    wanted = min(PILOT_SHARE, WALL_SHARE / config.slots) * search
    good = wanted / SCRATCH_GOOD_EPOCHS
    trained = plan.folds * plan.pictures
    side = max((r for r in RESOLUTIONS if trained / rates.scratch[r] <= good), default=min(RESOLUTIONS))
    epoch_seconds = trained / rates.scratch[side]
    epochs = round(min(max(wanted / epoch_seconds, PILOT_EPOCHS[0]), PILOT_EPOCHS[1]))
    seconds = MARGIN * epochs * epoch_seconds + 1.0
    limited = config.max_parameters is not None or config.max_latency_ms is not None
    most = min(PILOT_MOST, WALL_MOST / config.slots)
    if seconds > most * search and not limited:  # limits may rule the trunk out
        epochs = 0
    return replace(
        plan,
        scratch_resolution=side,
        scratch_epochs=epochs,
        scratch_seconds=seconds,
        rates=plan.rates | {"train_scratch": rates.scratch[side]},
    )


def _plan_from_scratch(
    config: SearchConfig,
    rates: Rates,
    *,
    trunk: str,
    pictures: int,
    test_pictures: int,
    budget: float,
    folds: int,
) -> Plan:
    each = MARGIN * (1.0 / rates.decode + 1.0 / rates.extract[CONTROL_RESOLUTION]) / config.slots
    used = max(1, min(pictures, int(_prepare_limit(budget) / each)))
    finish = MARGIN * test_pictures / rates.decode + 6.0 + doubt_reserve(config, folds)
    search = config.slots * max(1.0, budget - each * used - finish)
    wanted = search / _trials_wanted(config)
    good = wanted / SCRATCH_GOOD_EPOCHS  # seconds of an epoch
    resolution = max(
        (r for r in RESOLUTIONS if folds * used / rates.train[r] <= good), default=min(RESOLUTIONS)
    )
    rate = rates.train[resolution] / folds
    most = min(int(search / SCRATCH_FEWEST / SCRATCH_EPOCHS[0] * rate), MEMORY_BYTES // (3 * resolution**2))
    used = max(1, min(used, most))
    epochs = round(min(max(wanted * rate / used, SCRATCH_EPOCHS[0]), SCRATCH_EPOCHS[1]))
    return Plan(
        trunk=trunk,
        resolution=resolution,
        pictures=used,
        epochs=epochs,
        trial_seconds=MARGIN * epochs * used / rate + 1.0,
        prepare_seconds=each * used,
        finish_seconds=finish,
        rates=_rates(rates, resolution),
        space=config.space,
        control_resolution=CONTROL_RESOLUTION,
        augmented=True,
        folds=folds,
    )


def _prepare_limit(budget: float) -> float:
    """Seconds of the budget that preparing may take."""
    return max(min(FIRST_MODEL_SECONDS, SHORT_PREPARE_SHARE * budget), PREPARE_SHARE * budget)


def _trials_wanted(config: SearchConfig) -> int:
    """Into how many networks the time is divided: more than usual if more were asked for."""
    return max(TRIALS_WANTED, config.max_trials or 0)


def _rates(rates: Rates, resolution: int) -> dict[str, float]:
    """The measurements as a plan keeps them."""
    extract = {f"extract_{r}": rate for r, rate in rates.extract.items()}
    return {"decode": rates.decode, "train": rates.train[resolution], **extract}


def picture_bytes(spec: TrunkSpec, resolution: int, unfreeze: int = 0) -> int:
    """Bytes of one picture's cached activations, float16, all taps, and the cuts up to a number of stages."""
    cells = spec.grid(resolution) ** 2
    cuts = sum(tail.numbers(resolution) + spec.pooled_before(tail) for tail in spec.tails[:unfreeze])
    return 2 * (cuts + cells * sum(tap.channels for tap in spec.taps) + spec.embedding + spec.pooled)
