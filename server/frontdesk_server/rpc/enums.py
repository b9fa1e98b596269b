"""The contract's enum numbers and the domain's enums, paired by name once."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TypeVar

from frontdesk.v1 import chat_pb2, routing_pb2

from frontdesk_server.domain.attempt import AttemptOutcome
from frontdesk_server.domain.decision import ExclusionReason, StepKind, StreamMode, Verdict
from frontdesk_server.domain.model import Capability
from frontdesk_server.domain.query import ImageDetail, ReasoningEffort, Role, ToolChoiceMode
from frontdesk_server.domain.signals import Task
from frontdesk_server.domain.usage import FinishReason

_E = TypeVar("_E", bound=enum.Enum)
_N = TypeVar("_N", bound=int)


def _numbers(prefix: str, number: Callable[[str], _N], domain: type[_E]) -> dict[_E, _N]:
    return {member: number(f"{prefix}_{member.name}") for member in domain}


ATTEMPT_OUTCOME = _numbers("ATTEMPT_OUTCOME", routing_pb2.AttemptOutcome.Value, AttemptOutcome)
CAPABILITY = _numbers("CAPABILITY", routing_pb2.Capability.Value, Capability)
EXCLUSION_REASON = _numbers("EXCLUSION_REASON", routing_pb2.ExclusionReason.Value, ExclusionReason)
FINISH_REASON = _numbers("FINISH_REASON", chat_pb2.FinishReason.Value, FinishReason)
IMAGE_DETAIL = _numbers("IMAGE_DETAIL", chat_pb2.ImageDetail.Value, ImageDetail)
REASONING_EFFORT = _numbers("REASONING_EFFORT", chat_pb2.ReasoningEffort.Value, ReasoningEffort)
ROLE = _numbers("ROLE", chat_pb2.Role.Value, Role)
STEP_KIND = _numbers("STEP_KIND", routing_pb2.StepKind.Value, StepKind)
STREAM_MODE = _numbers("STREAM_MODE", routing_pb2.StreamMode.Value, StreamMode)
TASK = _numbers("TASK", routing_pb2.Task.Value, Task)
TOOL_CHOICE_MODE = _numbers("MODE", chat_pb2.ToolChoice.Mode.Value, ToolChoiceMode)
VERDICT = _numbers("VERDICT", routing_pb2.Verdict.Value, Verdict)

ATTEMPT_OUTCOME_OF = {number: member for member, number in ATTEMPT_OUTCOME.items()}
CAPABILITY_OF = {number: member for member, number in CAPABILITY.items()}
EXCLUSION_REASON_OF = {number: member for member, number in EXCLUSION_REASON.items()}
FINISH_REASON_OF = {number: member for member, number in FINISH_REASON.items()}
IMAGE_DETAIL_OF = {number: member for member, number in IMAGE_DETAIL.items()}
REASONING_EFFORT_OF = {number: member for member, number in REASONING_EFFORT.items()}
ROLE_OF = {number: member for member, number in ROLE.items()}
STEP_KIND_OF = {number: member for member, number in STEP_KIND.items()}
STREAM_MODE_OF = {number: member for member, number in STREAM_MODE.items()}
TASK_OF = {number: member for member, number in TASK.items()}
TOOL_CHOICE_MODE_OF = {number: member for member, number in TOOL_CHOICE_MODE.items()}
VERDICT_OF = {number: member for member, number in VERDICT.items()}
