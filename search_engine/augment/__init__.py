"""Policies of augmentation, learned: the search for one, and the trainings that it must win."""
