"""Learning a policy: labels must survive it, and short trainings with it must win."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from search_engine.augment.density import Look, combined, look, reward_of, search_policy
from search_engine.augment.lessons import Teacher, affords_lesson
from search_engine.errors import Cancelled
from search_engine.space.lesson import Lesson, policy_of, sentence
from search_engine.space.macro import MacroSpace
from search_engine.space.policies import Use, read_policy
from search_engine.space.scratch import PIXELS
from search_engine.trainer.loop import Examples

SPACE = MacroSpace(32, augmented=True)
GENOME = SPACE.decode(SPACE.starts[0])


class Brightness(nn.Module):
    """Says 1 of pictures that are bright on the whole; inverting them turns its answers over."""

    def forward(self, features: dict[str, Tensor]) -> Tensor:
        score = features[PIXELS].mean(dim=(1, 2, 3)) / 255.0 - 0.5
        return 8.0 * torch.stack([-score, score], dim=1)


def bright_and_dark(count: int = 64, side: int = 8) -> Examples:
    generator = torch.Generator().manual_seed(0)
    targets = torch.arange(count) % 2
    pixels = (
        40.0
        + 130.0 * targets[:, None, None, None]
        + 40.0 * torch.rand(count, side, side, 3, generator=generator)
    )
    return Examples({PIXELS: pixels.to(torch.uint8)}, targets, torch.arange(count))


def test_a_change_that_labels_do_not_survive_earns_less_than_one_that_they_do() -> None:
    plain = Look(accuracy=0.9, loss=0.3, error=0.02)
    survived = reward_of(plain, Look(accuracy=0.89, loss=0.5, error=0.02))
    assert survived > reward_of(plain, Look(accuracy=0.89, loss=0.31, error=0.02)) > 0.5
    assert reward_of(plain, Look(accuracy=0.5, loss=2.0, error=0.02)) < 0.5


def test_a_network_is_wrong_on_what_was_inverted() -> None:
    some = bright_and_dark()
    invert = ((Use("invert", 1.0, 0.0), Use("identity", 0.0, 0.0)),)
    assert look(Brightness(), some, None, 0).accuracy == 1.0
    assert look(Brightness(), some, invert, 0).accuracy == 0.0


@pytest.mark.parametrize("strategy", ["evolution", "reinforce"])
def test_the_policy_that_is_found_leaves_labels_alone(strategy: str) -> None:
    some = bright_and_dark()
    policy = search_policy(
        Brightness(), some, strategy=strategy, seconds=60.0, seed=0, should_stop=lambda: False, tries=12
    )
    again = search_policy(
        Brightness(), some, strategy=strategy, seconds=60.0, seed=0, should_stop=lambda: False, tries=12
    )
    assert policy == again != ()
    assert all(look(Brightness(), some, (pair,), 0).accuracy > 0.95 for pair in policy)


def test_a_policy_is_not_made_of_one_operation() -> None:
    pairs = [(Use("rotate", 1.0, m), Use("identity", 0.0, 0.0)) for m in (0.1, 0.3, 0.5)]
    other, harmful = (Use("invert", 1.0, 0.0),) * 2, (Use("solarize", 1.0, 0.9),) * 2
    found = [(0.9, pairs[0]), (0.8, pairs[1]), (0.95, pairs[2]), (0.6, other), (0.4, harmful)]
    assert combined(found) == (pairs[2], pairs[0], other)


def test_the_search_is_ended_when_it_is_told_to() -> None:
    with pytest.raises(Cancelled):
        search_policy(
            Brightness(), bright_and_dark(), strategy="random", seconds=9.0, seed=0, should_stop=lambda: True
        )


def test_a_lesson_compares_short_trainings_of_the_same_seeds() -> None:
    some = bright_and_dark(40, 32)
    teacher = Teacher(
        genome=replace(GENOME, recipe=replace(GENOME.recipe, batch_size=32)),
        classes=2,
        training=some,
        validation=some,
        device=torch.device("cpu"),
        strategy="random",
        seed=0,
        should_stop=lambda: False,
        epochs=1,
    )
    lesson = teacher.learn(5.0)
    assert lesson is not None
    assert [len(values) for values in lesson.accuracies.values()] == [2, 2, 2, 2]
    assert read_policy(lesson.policy)


def lesson(*learned: float) -> Lesson:
    accuracies = {"none": (0.8, 0.82), "affine": (0.7, 0.7), "trivial": (0.85, 0.84), "learned": learned}
    return Lesson(policy="rotate 0.6 0.3 + invert 0.2 0", accuracies=accuracies, pictures=100, seconds=9.0)


def test_a_policy_is_accepted_if_it_wins_with_both_seeds() -> None:
    won, half = lesson(0.86, 0.85), lesson(0.9, 0.84)
    assert policy_of(won.to_dict()) == won.policy
    assert policy_of(half.to_dict()) == policy_of({}) == ""
    assert "rotate at 30% strength in 60% of cases then invert in 20% of cases" in sentence(won.to_dict())
    assert "not used" in sentence(half.to_dict())
    assert "84.0% with TrivialAugment" in sentence(half.to_dict())


def test_only_long_budgets_afford_a_lesson() -> None:
    assert affords_lesson(3600.0, pictures=1000, rate=500.0)
    assert not affords_lesson(3600.0, pictures=1000, rate=50.0)
    assert not affords_lesson(300.0, pictures=10, rate=500.0)
