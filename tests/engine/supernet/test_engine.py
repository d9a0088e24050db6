"""The supernet as the site runs it: a command to a real engine process, real pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from search_engine.commands import Prepare, Supernet
from search_engine.config import Plan, SearchConfig
from search_engine.data.gather import gather, make_manifest
from search_engine.data.manifest import write_manifest
from search_engine.events import Failed, Opened, Prepared, Progress, SupernetDone
from search_engine.process import EngineProcess
from search_engine.proposing import space_of
from search_engine.supernet.paths import count_operations, default_base
from tests.engine.shapes import write_shapes
from tests.engine.test_worker import PLAN, ask, open_command

pytestmark = pytest.mark.timeout(180)


def test_an_engine_searches_by_shared_weights(tmp_path: Path) -> None:
    found = gather(write_shapes(tmp_path / "shapes", each=20), tmp_path / "pictures", on_file=lambda _: None)
    write_manifest(make_manifest(found, None, tmp_path / "pictures", seed=0), tmp_path / "manifest.jsonl")
    engine = EngineProcess()
    try:
        ask(engine, open_command(tmp_path, "run"), Opened)
        plan = Plan.from_dict(PLAN.to_dict())
        ask(engine, Prepare(plan=plan.to_dict()), Prepared)
        seen: list[object] = []
        command = Supernet(number=2, seed=7, seconds=4.0)
        done = ask(engine, command, SupernetDone, seen)  # type: ignore[arg-type]
        space = space_of(SearchConfig(budget_seconds=60.0), plan)
        assert done.number == 2
        assert done.steps > 0
        assert 1 <= len(done.found) <= min(10, done.scored)
        genomes = [space.decode(tuple(each["vector"])) for each in done.found]
        assert all(0.0 <= each["accuracy"] <= 1.0 for each in done.found)
        assert done.histogram == count_operations(genomes)
        base = default_base(space)
        assert {replace(g, normal=base.normal) for g in genomes} == {base}
        assert {event.phase for event in seen if isinstance(event, Progress)} == {"supernet"}
        macro = replace(plan, space="macro", resolution=32, control_resolution=96)
        ask(engine, Prepare(plan=macro.to_dict()), Prepared)
        assert "no cells" in ask(engine, command, Failed).message
    finally:
        engine.close()
