"""What a search maximises, and what it may not exceed."""

from __future__ import annotations

from search_engine.config import SearchConfig

EXPONENT = -0.07
"""Of the latency in MnasNet's product (Tan et al. 2018, arXiv:1807.11626): twice as slow costs 5 % of the
accuracy, which is what they found people to pay for it."""

OBJECTIVES = ("accuracy", "mnasnet")


def reward_of(config: SearchConfig, accuracy: float | None, latency_ms: float | None) -> float | None:
    """What a trial earned.

    Args:
        config: objective and target.
        accuracy: on the validation split, 0..1; None if it was not trained.
        latency_ms: of one picture.

    Returns:
        The accuracy; or accuracy x (latency / target) ^ ``EXPONENT``, which may exceed 1.
    """
    return None if accuracy is None else accuracy * factor_of(config, latency_ms)


def factor_of(config: SearchConfig, latency_ms: float | None) -> float:
    """What the objective multiplies an accuracy by; 1 where accuracy alone counts."""
    if not latency_ms or config.objective != "mnasnet" or config.max_latency_ms is None:
        return 1.0
    return float((latency_ms / config.max_latency_ms) ** EXPONENT)


def latency_bound(config: SearchConfig) -> float | None:
    """Milliseconds a picture that no network may exceed; None where there is no bound, or only a target."""
    return config.max_latency_ms if config.objective == "accuracy" else None


def fits(config: SearchConfig, parameters: int | None, latency_ms: float | None) -> bool:
    """Whether a trained candidate, a control too, is within the limits and may win."""
    bound = latency_bound(config)
    small = config.max_parameters is None or (parameters or 0) <= config.max_parameters
    return small and (bound is None or (latency_ms or 0.0) <= bound)
