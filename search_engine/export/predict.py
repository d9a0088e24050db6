"""Ask an exported bundle, with the very code that the bundle's own ``infer.py`` is made of."""

from __future__ import annotations

from search_engine.data.decode import PictureError
from search_engine.export.infer_main import Classifier, Decision, Prediction, Ranking, load

__all__ = ["Classifier", "Decision", "PictureError", "Prediction", "Ranking", "load"]
