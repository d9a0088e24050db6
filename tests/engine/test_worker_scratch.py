"""The engine process on networks from scratch: the same protocol, pixels instead of activations."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from search_engine.commands import Measure, Prepare, Train
from search_engine.config import Plan, SearchConfig
from search_engine.data.gather import gather, make_manifest
from search_engine.data.manifest import write_manifest
from search_engine.events import Exported, Measured, Opened, Prepared, Trained
from search_engine.process import EngineProcess
from search_engine.proposing import space_of
from tests.engine.shapes import write_shapes
from tests.engine.test_worker import ask, export_command, open_command

pytestmark = pytest.mark.timeout(180)


@pytest.mark.parametrize("name", ["cells", "macro"])
def test_a_network_from_scratch_is_trained_exported_and_tested(tmp_path: Path, name: str) -> None:
    found = gather(write_shapes(tmp_path / "shapes", each=30), tmp_path / "pictures", on_file=lambda _: None)
    write_manifest(make_manifest(found, None, tmp_path / "pictures", seed=0), tmp_path / "manifest.jsonl")
    engine = EngineProcess()
    try:
        ask(engine, open_command(tmp_path, "run"), Opened)
        config = SearchConfig(budget_seconds=120.0, space=name)
        plan = Plan.from_dict(ask(engine, Measure(config=config.to_dict()), Measured).plan)
        assert plan.space == name
        assert plan.control_resolution > plan.resolution  # the control still stands on the trunk
        plan = replace(plan, resolution=32)
        assert ask(engine, Prepare(plan=plan.to_dict()), Prepared).pictures == 78
        probe = Train(number=1, kind="linear_probe", genome=None, seed=1, epochs=1, seconds=30.0)
        assert ask(engine, probe, Trained).accuracy > 0.6
        space = space_of(config, plan)
        genome = space.decode(space.sample(random.Random(0)))
        assert genome.trunk is None
        command = Train(number=2, kind="network", genome=genome.to_dict(), seed=1, epochs=3, seconds=30.0)
        trained = ask(engine, command, Trained)
        assert trained.parameters > 0
        assert trained.size_bytes == 4 * trained.parameters
        card = ask(engine, export_command(command, tmp_path / "bundle", final=True), Exported).model
        assert card["test"]["n"] == 12
        assert card["parity"]["max_abs_diff"] < 1e-3
        assert card["resolution"] == 32
    finally:
        engine.close()
