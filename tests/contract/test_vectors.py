"""The golden vectors, read by the Python client; its siblings read the same files."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from frontdesk import FrontdeskError, explain
from frontdesk._fold import Fold
from frontdesk.errors import error_of
from frontdesk.events import event_of
from frontdesk.v1 import chat_pb2, router_service_pb2, routing_pb2
from frontdesk_server.rpc.reasons import reason_rows
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.contract import make_vectors

Vector = dict[str, Any]


def vectors(name: str, *path: str) -> Any:
    found = json.loads((make_vectors.VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    for key in path:
        found = found[key]
    return [pytest.param(vector, id=vector["name"]) for vector in found]


def decoded(vector: Vector) -> tuple[Message, bytes]:
    name = vector["type"].removeprefix("frontdesk.v1.")
    for module in (chat_pb2, routing_pb2, router_service_pb2):
        if descriptor := module.DESCRIPTOR.message_types_by_name.get(name):
            raw = base64.b64decode(vector["base64"])
            return GetMessageClass(descriptor).FromString(raw), raw
    raise LookupError(vector["type"])


@pytest.mark.parametrize("vector", vectors("messages", "current"))
def test_every_field_of_every_message_round_trips(vector: Vector) -> None:
    message, raw = decoded(vector)
    assert json_format.MessageToDict(message) == vector["json"]
    assert json_format.ParseDict(vector["json"], type(message)()) == message
    assert message.SerializeToString(deterministic=True) == raw


@pytest.mark.parametrize("vector", vectors("messages", "newer"))
def test_a_newer_server_does_not_break_an_older_client(vector: Vector) -> None:
    message, raw = decoded(vector)
    assert json_format.MessageToDict(message) == vector["json"]
    again = message.SerializeToString(deterministic=True)
    assert len(again) == len(raw)
    assert b"newer" in again


class _EndedCall:
    """What gRPC tells of a call that has failed."""

    def __init__(self, vector: Vector) -> None:
        self._vector = vector

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode[self._vector["code"]]

    def details(self) -> str:
        return str(self._vector["message"])

    def initial_metadata(self) -> None:
        return None

    def trailing_metadata(self) -> list[tuple[str, bytes]]:
        return [("grpc-status-details-bin", base64.b64decode(self._vector["status"]))]


@pytest.mark.parametrize("vector", vectors("errors"))
def test_every_reason_maps_to_a_typed_error(vector: Vector) -> None:
    error = error_of(_EndedCall(vector))  # type: ignore[arg-type]
    assert (error.code.name, error.reason, error.message) == (vector["code"], vector["reason"], vector["message"])
    assert error.metadata == vector["metadata"]
    assert [
        {"field": found.field, "description": found.description, "reason": found.reason} for found in error.violations
    ] == vector["violations"]
    delay_ms = None if error.retry_after_seconds is None else error.retry_after_seconds * 1000
    assert delay_ms == vector["retryDelayMs"]
    failure = None if error.failure is None else json_format.MessageToDict(error.failure)
    assert failure == vector["failure"]


@pytest.mark.parametrize("vector", vectors("events"))
def test_events_fold_in_order_or_not_at_all(vector: Vector) -> None:
    fold = Fold()

    def run() -> None:
        for event in vector["events"]:
            response = json_format.ParseDict(event, router_service_pb2.StreamCompleteResponse())
            if (known := event_of(response)) is not None:
                fold.add(known)
        fold.raise_unless_complete()

    if "completion" in vector:
        run()
        assert json_format.MessageToDict(fold.response()) == vector["completion"]
        return
    with pytest.raises(FrontdeskError) as caught:
        run()
    assert caught.value.reason == vector["fault"]
    assert json_format.MessageToDict(fold.response()) == vector["partial"]


@pytest.mark.parametrize("vector", vectors("explanations"))
def test_explanations_read_the_same_in_every_language(vector: Vector) -> None:
    decision = json_format.ParseDict(vector["decision"], routing_pb2.Decision())
    assert explain(decision).splitlines() == vector["text"]


def test_the_generated_vectors_are_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_vectors, "VECTORS", tmp_path)
    make_vectors.main()
    for fresh in tmp_path.iterdir():
        committed = Path(__file__).with_name("vectors") / fresh.name
        assert fresh.read_bytes() == committed.read_bytes(), "run tests/contract/make_vectors.py"


def test_every_documented_reason_has_a_vector() -> None:
    reasons = {vector.values[0]["reason"] for vector in vectors("errors")}
    assert {row.reason for row in reason_rows()} <= reasons
