"""Weight sharing: all cells of a space trained at once in one network, as in ENAS (Pham et al. 2018)."""

from __future__ import annotations

from search_engine.supernet.search import SupernetResult, search_supernet

__all__ = ["SupernetResult", "search_supernet"]
