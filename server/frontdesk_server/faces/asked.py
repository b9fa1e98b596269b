"""A request in the contract's words: what every face makes of its dialect, validates, and asks the desk with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from frontdesk.v1 import chat_pb2, router_service_pb2

from frontdesk_server.domain.errors import FieldViolation, InvalidRequest, UnknownModel, UnknownRouter
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Query
from frontdesk_server.rpc.decode import decode_policy, decode_query
from frontdesk_server.rpc.validation import validate_query_request
from frontdesk_server.rpc.violations import Violations

_PART = re.compile(r"query\.messages\[(\d+)\](?:\.parts\[(\d+)\])?(.*)")
_TOOL = re.compile(r"query\.(tools\[\d+\])(.*)")


@dataclass(frozen=True, slots=True)
class Words:
    """A dialect's names for the contract's fields: of a query, and of what ends the path of a part or a tool."""

    fields: Mapping[str, str]
    ends: Mapping[str, str]


@dataclass(slots=True)
class Asked:
    """What is asked; `messages` and `parts` tell where in the dialect's body each message and part stands."""

    words: Words
    request: router_service_pb2.CompleteRequest = field(default_factory=router_service_pb2.CompleteRequest)
    violations: Violations = field(default_factory=Violations)
    messages: list[str] = field(default_factory=list)
    parts: list[list[str]] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    """Members of the body that pass on to the dialect."""
    named: dict[str, str] = field(default_factory=dict)
    """By fields of the policy, where each was said."""
    stream: bool = False
    wants_report: bool = False

    @property
    def query(self) -> chat_pb2.Query:
        """The query of the request."""
        return self.request.query

    def add_message(self, role: chat_pb2.Role.ValueType, at: str) -> chat_pb2.Message:
        """One more message, which stands there."""
        self.messages.append(at)
        self.parts.append([])
        return self.request.query.messages.add(role=role)

    def add_part(self, message: chat_pb2.Message, part: chat_pb2.ContentPart, at: str) -> None:
        """One more part of the last message, which stands there."""
        message.parts.append(part)
        self.parts[-1].append(at)

    def decoded(self) -> tuple[Query, RoutingPolicy, dict[str, str]]:
        """Query, policy and labels.

        Raises:
            InvalidRequest: something is wrong, each with its path in the dialect's body.
        """
        self.violations.raise_any()
        with self.translating():
            validate_query_request(self.request)
        return decode_query(self.request.query), decode_policy(self.request.policy), dict(self.request.labels)

    @contextmanager
    def translating(self) -> Iterator[None]:
        """While the desk is asked: its errors name fields by their paths in the dialect's body."""
        try:
            yield
        except InvalidRequest as error:
            raise self.in_words(error) from error
        except (UnknownRouter, UnknownModel) as error:
            error.field = self._place(error.field)
            raise

    def in_words(self, error: InvalidRequest) -> InvalidRequest:
        """The error with paths of the dialect in place of the contract's."""
        return InvalidRequest([FieldViolation(self._place(v.field), v.description, v.reason) for v in error.violations])

    def _place(self, path: str) -> str:
        if (found := _PART.fullmatch(path)) is not None:
            return self._place_in_messages(int(found[1]), found[2], found[3])
        if (found := _TOOL.fullmatch(path)) is not None:
            return found[1] + self._end(found[2])
        if path.startswith("policy."):
            name = path.removeprefix("policy.").partition("[")[0]
            return self.named.get(name, path)
        bare = path.removeprefix("query.")
        known = max((name for name in self.words.fields if bare.startswith(name)), key=len, default=None)
        return bare if known is None else self.words.fields[known]

    def _place_in_messages(self, index: int, part: str | None, end: str) -> str:
        if index >= len(self.messages):
            return "messages"
        parts = self.parts[index]
        if part is None:
            return self.messages[index] + self._end(end)
        return parts[int(part)] + self._end(end) if int(part) < len(parts) else self.messages[index]

    def _end(self, end: str) -> str:
        return self.words.ends.get(end, "")
