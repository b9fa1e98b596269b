"""Words that the dialects share with each other and the contract."""

from __future__ import annotations

from frontdesk.v1 import chat_pb2 as pb

from frontdesk_server.domain.query import ImageDetail, ReasoningEffort, ToolChoiceMode
from frontdesk_server.rpc.enums import IMAGE_DETAIL, REASONING_EFFORT, TOOL_CHOICE_MODE

EFFORTS = {effort.value: REASONING_EFFORT[effort] for effort in ReasoningEffort}
DETAILS = {detail.value: IMAGE_DETAIL[detail] for detail in ImageDetail}
MODES = {mode.value: TOOL_CHOICE_MODE[mode] for mode in ToolChoiceMode}
AUDIO = {"wav": "audio/wav", "mp3": "audio/mpeg"}
UNTOLD_IMAGE = "image/png"
"""The type of an image that is only linked: providers look at what they fetch, and do not go by it."""
PDF = "application/pdf"
LONGEST_NAME = 128
"""Characters of a user's id that the contract takes; longer ones pass on to the dialect."""

FUNCTION = "function"
ROLES = {
    "system": pb.ROLE_SYSTEM,
    "developer": pb.ROLE_SYSTEM,
    "user": pb.ROLE_USER,
    "assistant": pb.ROLE_ASSISTANT,
    "tool": pb.ROLE_TOOL,
}
