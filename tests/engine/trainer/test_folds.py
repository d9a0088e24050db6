from __future__ import annotations

import torch
from torch import Tensor, nn

from search_engine.trainer.folds import make_folds, out_of_fold
from search_engine.trainer.loop import Examples


class Always(nn.Module):
    """Says the same of every picture."""

    def __init__(self, label: int) -> None:
        super().__init__()
        self.label = label

    def forward(self, features: dict[str, Tensor]) -> Tensor:
        return torch.eye(3)[self.label].repeat(len(features["x"]), 1)


def working() -> Examples:
    """Seven of ten pictures take part, out of order."""
    rows = torch.tensor([0, 2, 3, 5, 7, 8, 9])
    return Examples({"x": torch.zeros(10, 2)}, torch.arange(10) % 3, rows)


def test_what_judges_a_training_is_what_it_did_not_learn_from() -> None:
    folds = make_folds(working(), torch.tensor([0, 1, 2, 0, 1, 2, 0]), 3)
    for fold in folds:
        assert fold.held_out is not None
        learned, judged = set(fold.training.rows.tolist()), set(fold.held_out.rows.tolist())
        assert not learned & judged
        assert sorted(learned | judged) == working().rows.tolist()


def test_answers_come_from_the_network_that_had_not_seen_the_picture_in_the_pictures_order() -> None:
    fold_of = torch.tensor([0, 1, 2, 0, 1, 2, 0])
    folds = make_folds(working(), fold_of, 3)
    logits, targets = out_of_fold([Always(0), Always(1), Always(2)], folds)
    assert torch.equal(logits.argmax(1), fold_of)
    assert torch.equal(targets, working().labels)


def test_a_cross_validation_that_was_ended_has_the_answers_of_its_first_folds() -> None:
    folds = make_folds(working(), torch.tensor([0, 1, 2, 0, 1, 2, 0]), 3)
    logits, targets = out_of_fold([Always(1)], folds)
    assert len(logits) == 3
    assert torch.equal(targets, torch.tensor([0, 5, 9]) % 3)


def test_a_fold_without_pictures_is_left_out() -> None:
    assert len(make_folds(working(), torch.tensor([0, 0, 0, 2, 2, 2, 2]), 3)) == 2
