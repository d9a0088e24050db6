"""What may be chosen about a search: what fits together, and what is chosen for those who leave it open."""

from __future__ import annotations

import math
from dataclasses import replace

from search_engine.config import AUTO, FULL, SearchConfig
from search_engine.errors import SettingsError
from search_engine.fidelity import SCHEDULERS
from search_engine.fidelity.rungs import SAVINGS
from search_engine.objective import OBJECTIVES
from search_engine.space.architecture import Genome
from search_engine.space.registry import ANY, CELLS, HYBRID, MACRO, SPACES
from search_engine.space.trunks import TRUNKS
from search_engine.strategies import STRATEGIES

FIDELITIES = (FULL, *SCHEDULERS)


def settled(config: SearchConfig) -> SearchConfig:
    """The settings with a space in the place of ``auto``.

    That is the one that the network to start from is of, if there is one; else ``any``, which finds out what
    suits the pictures, wherever the other settings go with it; else ``hybrid``.
    """
    if config.space != AUTO:
        return config
    return replace(config, space=_space_for(config))


def _space_for(config: SearchConfig) -> str:
    alone = config.fidelity != FULL or config.strategy == "enas"
    kind = HYBRID if config.start is None else kind_of(Genome.from_dict(config.start))
    return kind if alone or kind == CELLS else ANY


def kind_of(genome: Genome) -> str:
    """The narrowest space that a network is of: ``hybrid``, ``cells`` or ``macro``."""
    if genome.scratch is None:
        return HYBRID
    return MACRO if genome.scratch.stages else CELLS


def check_config(config: SearchConfig) -> None:
    """Refuse settings that no search can follow.

    Args:
        config: ``settled``.

    Raises:
        SettingsError: says which, and what to choose instead.
    """
    for what, value, known in (
        ("space", config.space, SPACES),
        ("pretrained network", config.trunk, TRUNKS),
        ("strategy", config.strategy, STRATEGIES),
        ("fidelity", config.fidelity, FIDELITIES),
        ("saving", config.saving, SAVINGS),
        ("objective", config.objective, OBJECTIVES),
    ):
        if value not in known:
            raise SettingsError(f"There is no {what} called {value!r}. Choose one of: {', '.join(known)}.")
    for what, number, least, most in (
        ("share of random networks", config.random_share, 0.0, 1.0),
        ("number of networks", config.max_trials, 1, math.inf),
        ("limit of parameters", config.max_parameters, 1, math.inf),
        ("milliseconds a picture", config.max_latency_ms, 1e-3, math.inf),
        ("number of folds", config.folds, 1, 10),
    ):
        if number is not None and not least <= number <= most:
            upto = "or more" if most == math.inf else f"to {most:g}"
            raise SettingsError(f"The {what} must be {least:g} {upto}, not {number:g}.")
    _check_start(config)
    if config.objective == "mnasnet" and config.max_latency_ms is None:
        raise SettingsError("The MnasNet objective needs a latency to aim at. Give one in milliseconds.")
    if config.saving == "resolution" and config.space in (HYBRID, ANY):
        raise SettingsError(
            "On a pretrained network the resolution is one for all, because its activations are kept. "
            "Save epochs or pictures, or search for networks from scratch."
        )
    if config.fidelity != FULL and (config.strategy == "enas" or config.prefilter):
        what = "ENAS" if config.strategy == "enas" else "The prefilter"
        raise SettingsError(
            f"{what} has a cheap look of its own at networks, and goes with full training only. Choose the "
            "fidelity full."
        )
    if config.strategy == "enas" and config.space in (MACRO, ANY):
        raise SettingsError(
            f"ENAS shares the weights of cells, and the space {config.space} has none, or not only. "
            "Choose another."
        )
    if config.fidelity != FULL and config.space == ANY:
        raise SettingsError(
            "The space any compares two kinds of networks, and goes with full training only. Choose the "
            "fidelity full, or one kind."
        )


def _check_start(config: SearchConfig) -> None:
    """Cells read what one trunk saw; on another they would be other cells."""
    trunk = None if config.start is None else Genome.from_dict(config.start).trunk
    if trunk is not None and trunk.name != config.trunk:
        title = TRUNKS[trunk.name].title if trunk.name in TRUNKS else trunk.name
        raise SettingsError(f"The network to start from stands on {title}. Choose that pretrained network.")
