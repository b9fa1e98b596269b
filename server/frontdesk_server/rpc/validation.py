"""What the contract demands of each request. Hand-written: a generic validator costs more than the routing itself."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from frontdesk.v1 import chat_pb2, router_service_pb2, routing_pb2
from google.protobuf.duration_pb2 import Duration

from frontdesk_server.rpc.enums import CAPABILITY_OF
from frontdesk_server.rpc.query_validation import check_query
from frontdesk_server.rpc.reasons import InvalidReason as Reason
from frontdesk_server.rpc.violations import DEFAULT_LIMITS, Limits, Violations

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_LONGEST_DURATION_SECONDS = 315_576_000_000


class QueryRequest(Protocol):
    """What the requests of Route, Complete and StreamComplete have in common."""

    @property
    def query(self) -> chat_pb2.Query:
        """What is to be answered."""

    @property
    def policy(self) -> routing_pb2.RoutingPolicy:
        """The caller's wishes."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels."""


def validate_query_request(request: QueryRequest, limits: Limits = DEFAULT_LIMITS, *, plain: bool = False) -> None:
    """Raise `InvalidRequest` with everything that is wrong with the request; `plain`: not with its messages."""
    violations = Violations(limits.violations)
    check_query(request.query, "query", limits, violations, plain=plain)
    _check_policy(request.policy, limits, violations)
    _check_labels(request.labels, limits, violations)
    violations.raise_any()


def validate_batch_request(request: router_service_pb2.RouteBatchRequest, limits: Limits = DEFAULT_LIMITS) -> None:
    """Raise `InvalidRequest` for what concerns the batch as a whole; `validate_batch_query` looks at its queries."""
    violations = Violations(limits.violations)
    if not 1 <= len(request.queries) <= limits.batch_size:
        violations.add("queries", Reason.BATCH_SIZE_OUT_OF_RANGE)
    _check_policy(request.policy, limits, violations)
    _check_labels(request.labels, limits, violations)
    violations.raise_any()


def validate_batch_query(
    query: chat_pb2.Query, index: int, limits: Limits = DEFAULT_LIMITS, *, plain: bool = False
) -> None:
    """Raise `InvalidRequest` with all that is wrong with one query of a batch; `plain`: not with its messages."""
    violations = Violations(limits.violations)
    check_query(query, f"queries[{index}]", limits, violations, plain=plain)
    violations.raise_any()


def validate_outcome_request(request: router_service_pb2.ReportOutcomeRequest, limits: Limits = DEFAULT_LIMITS) -> None:
    """Raise `InvalidRequest` with everything that is wrong with the report."""
    violations = Violations(limits.violations)
    _check_decision_id(request.decision_id, violations)
    if not request.HasField("quality"):
        violations.add("quality", Reason.FIELD_REQUIRED)
    elif not 0 <= request.quality <= 1:
        violations.add("quality", Reason.QUALITY_OUT_OF_RANGE)
    _check_length(request.source, "source", limits, violations)
    _check_labels(request.labels, limits, violations)
    violations.raise_any()


def validate_decision_request(request: router_service_pb2.GetDecisionRequest) -> None:
    """Raise `InvalidRequest` when no decision can have that id."""
    violations = Violations()
    _check_decision_id(request.decision_id, violations)
    violations.raise_any()


def validate_models_request(request: router_service_pb2.ListModelsRequest, limits: Limits = DEFAULT_LIMITS) -> None:
    """Raise `InvalidRequest` when no router can have that name."""
    violations = Violations()
    _check_length(request.router, "router", limits, violations)
    violations.raise_any()


def _check_policy(policy: routing_pb2.RoutingPolicy, limits: Limits, violations: Violations) -> None:
    if not policy.ByteSize():
        return
    has = policy.HasField
    _check_length(policy.router, "policy.router", limits, violations)
    if has("quality_floor") and not 0 <= policy.quality_floor <= 1:
        violations.add("policy.quality_floor", Reason.QUALITY_FLOOR_OUT_OF_RANGE)
    if has("cost_weight") and not 0 <= policy.cost_weight < math.inf:
        violations.add("policy.cost_weight", Reason.WEIGHT_OUT_OF_RANGE)
    if has("latency_weight") and not 0 <= policy.latency_weight < math.inf:
        violations.add("policy.latency_weight", Reason.WEIGHT_OUT_OF_RANGE)
    if has("max_cost_nano_usd") and policy.max_cost_nano_usd < 0:
        violations.add("policy.max_cost_nano_usd", Reason.MAX_COST_OUT_OF_RANGE)
    if has("max_time_to_first_token") and not _is_positive(policy.max_time_to_first_token):
        violations.add("policy.max_time_to_first_token", Reason.MAX_TIME_TO_FIRST_TOKEN_OUT_OF_RANGE)
    _check_model_names(policy.allowed_models, "policy.allowed_models", limits, violations)
    _check_model_names(policy.excluded_models, "policy.excluded_models", limits, violations)
    _check_capabilities(policy.required_capabilities, "policy.required_capabilities", limits, violations)
    _check_length(policy.affinity_key, "policy.affinity_key", limits, violations)
    if has("max_attempts") and policy.max_attempts < 1:
        violations.add("policy.max_attempts", Reason.MAX_ATTEMPTS_OUT_OF_RANGE)


def _check_model_names(names: Sequence[str], at: str, limits: Limits, violations: Violations) -> None:
    if len(names) > limits.listed_models:
        violations.add(at, Reason.FIELD_TOO_LONG, f"holds more than {limits.listed_models} names")
        return
    for index, name in enumerate(names):
        if not name:
            violations.add(f"{at}[{index}]", Reason.FIELD_REQUIRED)
        _check_length(name, f"{at}[{index}]", limits, violations)


def _check_capabilities(numbers: Sequence[int], at: str, limits: Limits, violations: Violations) -> None:
    if len(numbers) > limits.listed_capabilities:
        violations.add(at, Reason.FIELD_TOO_LONG, f"holds more than {limits.listed_capabilities} capabilities")
        return
    for index, number in enumerate(numbers):
        if number not in CAPABILITY_OF:
            reason = Reason.UNKNOWN_ENUM_VALUE if number else Reason.CAPABILITY_UNSPECIFIED
            violations.add(f"{at}[{index}]", reason)


def _check_labels(labels: Mapping[str, str], limits: Limits, violations: Violations) -> None:
    if not labels:
        return
    if len(labels) > limits.labels:
        violations.add("labels", Reason.LABELS_OVER_LIMIT, f"there are more than {limits.labels} labels")
        return
    for key in sorted(labels):
        if not 1 <= len(key) <= limits.label_key_length:
            description = f"a key has 1 to {limits.label_key_length} characters"
            violations.add("labels", Reason.LABELS_OVER_LIMIT, description)
        elif len(labels[key]) > limits.label_value_length:
            description = f"a value has at most {limits.label_value_length} characters"
            violations.add(f'labels["{key}"]', Reason.LABELS_OVER_LIMIT, description)


def _check_decision_id(decision_id: str, violations: Violations) -> None:
    if not decision_id:
        violations.add("decision_id", Reason.FIELD_REQUIRED)
    elif not _ULID.fullmatch(decision_id):
        violations.add("decision_id", Reason.DECISION_ID_INVALID)


def _check_length(text: str, at: str, limits: Limits, violations: Violations) -> None:
    if len(text) > limits.name_length:
        violations.add(at, Reason.FIELD_TOO_LONG, f"holds more than {limits.name_length} characters")


def _is_positive(duration: Duration) -> bool:
    seconds, nanos = duration.seconds, duration.nanos
    return 0 <= seconds <= _LONGEST_DURATION_SECONDS and 0 <= nanos < 1_000_000_000 and (seconds > 0 or nanos > 0)
