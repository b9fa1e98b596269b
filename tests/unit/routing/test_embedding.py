from __future__ import annotations

import os
from pathlib import Path

import pytest
from frontdesk_server.artefacts.embedders import EmbedderError
from frontdesk_server.domain.decision import Verdict
from frontdesk_server.domain.errors import ConfigError
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.routing.engine import Engine
from frontdesk_server.routing.strategies.embedding import EmbeddingStrategy

from tests.conftest import DefectLog
from tests.fakes import FakeClock
from tests.unit.routing.desk import FakeEmbedder, engine_of, route

REFERENCES = (
    "references: {small: [good morning, good evening], frontier: ['prove this theorem', 'derive this bound'], "
    "billing: ['pay my invoice']}, routes: {billing: mid}"
)


GOOD_MORNING = '{"label": "small", "text": "good morning"}\n'


def _router(settings: str = REFERENCES) -> str:
    return f"routers: {{default: {{default_model: local, strategy: {{kind: embedding, {settings}}}}}}}"


def _strategy(engine: Engine) -> EmbeddingStrategy:
    strategy = engine.router("default").strategy
    assert isinstance(strategy, EmbeddingStrategy)
    return strategy


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("good morning", "small"),
        ("prove this theorem", "frontier"),
        ("how do I pay my invoice", "mid"),
        ("entirely different words", "local"),
        ("", "local"),
    ],
)
async def test_the_nearest_label_decides_and_what_is_near_to_none_goes_to_the_default(text: str, model: str) -> None:
    assert (await route(engine_of(_router()), text)).model == model


async def test_the_decision_tells_similarities() -> None:
    decision = await route(engine_of(_router()), "good morning")

    assert decision.path[0].confidence == pytest.approx(0.75)
    assert "nearest to small with similarity 0.75" in decision.reason
    assert {c.model: c.score for c in decision.candidates}["frontier"] == pytest.approx(0)


async def test_out_of_scope_names_the_nearest_label_and_the_threshold() -> None:
    decision = await route(engine_of(_router(REFERENCES + ", thresholds: {small: 0.9}")), "good morning")

    assert decision.path[0].verdict is Verdict.ABSTAINED
    assert "out of scope: small is nearest with similarity 0.75, under 0.90" in decision.path[0].reason


async def test_the_nearest_label_whose_model_is_excluded_is_not_replaced_by_a_worse_one() -> None:
    policy = RoutingPolicy(excluded_models=frozenset({"small"}))
    decision = await route(engine_of(_router()), "good morning", policy)

    assert decision.path[0].verdict is Verdict.ABSTAINED
    assert "small is not eligible" in decision.path[0].reason


async def test_preparing_embeds_the_references_once() -> None:
    embedder = FakeEmbedder()
    engine = engine_of(_router(), embedder=embedder)
    await engine.prepare()
    prepared = len(embedder.embedded)
    await route(engine, "good morning")

    assert (prepared, len(embedder.embedded)) == (5, 6)


async def test_an_embedder_that_fails_hands_over_and_is_asked_again_later() -> None:
    embedder = FakeEmbedder()
    embedder.error = EmbedderError("unplugged")
    engine = engine_of(_router(), embedder=embedder)
    await engine.prepare()
    failed = await route(engine, "good morning")
    embedder.error = None

    assert (failed.model, failed.path[0].verdict) == ("local", Verdict.FAILED)
    assert "unplugged" in failed.path[0].reason
    assert (await route(engine, "good morning")).model == "small"


async def test_a_slow_embedder_times_out_and_its_work_serves_later_queries() -> None:
    embedder, clock = FakeEmbedder(), FakeClock()
    embedder.seconds = 0.02
    engine = engine_of(_router(), embedder=embedder, clock=clock)
    slow = await route(engine, "good morning", deadline=clock.monotonic() + 0.001)
    await _strategy(engine).book.settled()
    embedder.seconds = 0.0

    assert slow.path[0].verdict is Verdict.TIMED_OUT
    assert (await route(engine, "good morning")).model == "small"
    assert len(embedder.embedded) == 6


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "references.jsonl"
    path.write_text(GOOD_MORNING)
    return path


def _change(file: Path, text: str | None) -> None:
    if text is None:
        file.unlink()
        return
    file.write_text(text)
    status = file.stat()
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))


async def _later(engine: Engine, clock: FakeClock) -> None:
    """Let a second pass, and the look at the file that the next query starts end."""
    clock.seconds += 1
    await route(engine, "anything")
    await _strategy(engine).book.settled()


def _engine_of(file: Path, clock: FakeClock, embedder: FakeEmbedder | None = None) -> Engine:
    router = _router("references_file: references.jsonl")
    return engine_of(router, clock=clock, embedder=embedder, source=str(file.with_name("frontdesk.yaml")))


async def test_references_added_to_the_file_count_without_a_restart_and_only_they_are_embedded(file: Path) -> None:
    clock, embedder = FakeClock(), FakeEmbedder()
    engine = _engine_of(file, clock, embedder)
    before = await route(engine, "prove this theorem")
    _change(file, GOOD_MORNING + '{"label": "frontier", "text": "prove this theorem"}\n')
    embedder.embedded.clear()
    await _later(engine, clock)

    assert before.model == "local"
    assert (await route(engine, "prove this theorem")).model == "frontier"
    assert embedder.embedded.count("good morning") == 0


async def test_references_removed_from_the_file_no_longer_count(file: Path) -> None:
    clock = FakeClock()
    engine = _engine_of(file, clock)
    before = await route(engine, "good morning")
    _change(file, '{"label": "frontier", "text": "prove this theorem"}\n')
    await _later(engine, clock)

    assert (before.model, (await route(engine, "good morning")).model) == ("small", "local")


async def test_a_changed_file_is_read_again_when_its_references_could_not_be_embedded(file: Path) -> None:
    clock, embedder = FakeClock(), FakeEmbedder()
    engine = _engine_of(file, clock, embedder)
    await route(engine, "good morning")
    _change(file, '{"label": "frontier", "text": "prove this theorem"}\n')
    embedder.error = EmbedderError("unplugged")
    await _later(engine, clock)
    embedder.error = None
    await _later(engine, clock)

    assert (await route(engine, "prove this theorem")).model == "frontier"


async def test_what_nobody_foresaw_while_references_are_read_again_leaves_the_last_good_ones(
    file: Path, monkeypatch: pytest.MonkeyPatch, caught_defects: DefectLog
) -> None:
    clock, embedder = FakeClock(), FakeEmbedder()
    engine = _engine_of(file, clock, embedder)
    await route(engine, "good morning")
    _change(file, GOOD_MORNING + '{"label": "frontier", "text": "prove this theorem"}\n')
    with monkeypatch.context() as broken:
        broken.setattr("frontdesk_server.routing.reference_book.ReferenceIndex", None)
        await _later(engine, clock)
    before = await route(engine, "good morning")
    await _later(engine, clock)

    assert before.model == "small"
    assert (await route(engine, "prove this theorem")).model == "frontier"
    assert [(line["part"], line["error_type"]) for line in caught_defects] == [("references", "TypeError")]
    caught_defects.clear()


async def test_what_nobody_foresaw_while_references_are_embedded_is_tried_again(
    file: Path, monkeypatch: pytest.MonkeyPatch, caught_defects: DefectLog
) -> None:
    engine = _engine_of(file, FakeClock())
    with monkeypatch.context() as broken:
        broken.setattr("frontdesk_server.routing.reference_book.ReferenceIndex", None)
        await engine.prepare()
        failed = await route(engine, "good morning")

    assert (failed.model, failed.path[0].verdict) == ("local", Verdict.FAILED)
    assert (await route(engine, "good morning")).model == "small"
    assert [line["part"] for line in caught_defects] == ["preparation", "strategy"]
    caught_defects.clear()


@pytest.mark.parametrize("text", ["", "not JSON", '{"label": "nobody", "text": "x"}\n', None])
async def test_a_file_that_becomes_unusable_leaves_the_last_good_references(file: Path, text: str | None) -> None:
    clock = FakeClock()
    engine = _engine_of(file, clock)
    await route(engine, "good morning")
    _change(file, text)
    await _later(engine, clock)

    assert (await route(engine, "good morning")).model == "small"


@pytest.mark.parametrize(
    ("settings", "path", "message"),
    [
        ("references: {nobody: [x]}", "references.nobody", "no model is named 'nobody'"),
        ("references: {small: []}", "references.small", "has no utterance"),
        ("references: {a: [x]}, routes: {a: nobody}", "routes.a", "no model is named 'nobody'"),
        ("references_file: absent.jsonl", "references_file", "absent.jsonl"),
    ],
)
def test_contradictions_are_faults_with_their_place(settings: str, path: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        engine_of(_router(settings))

    assert [(fault.path, message in fault.message) for fault in error.value.faults] == [
        (f"routers.default.strategy.{path}", True)
    ]
