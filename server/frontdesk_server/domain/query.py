"""What is to be answered: messages, tools, generation settings."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import field

from frontdesk_server.domain.provider import Citation, Extensible, ProviderBlock, ProviderOptions
from frontdesk_server.domain.value import value


class Role(enum.Enum):
    """Who speaks in a message; the value is the field's usual wire name."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@value
class TextPart(Extensible):
    """Plain text; `refusal` marks an LLM's refusal to answer, where its provider tells the two apart."""

    text: str
    refusal: bool = False
    citations: tuple[Citation, ...] = ()


class ImageDetail(enum.Enum):
    """How closely an image is looked at."""

    LOW = "low"
    HIGH = "high"
    AUTO = "auto"


@value
class MediaPart(Extensible):
    """An image, a sound or a document: either its bytes or a URI which the provider fetches."""

    mime_type: str
    data: bytes | None = None
    uri: str | None = None
    filename: str = ""
    detail: ImageDetail | None = None


@value
class ToolCall(Extensible):
    """A call of a tool by the LLM; `arguments_json` is kept as the LLM wrote it."""

    id: str
    name: str
    arguments_json: str = "{}"


@value
class ProviderPart(Extensible):
    """A part that only one dialect understands."""

    block: ProviderBlock


ResultPart = TextPart | MediaPart | ProviderPart


@value
class ToolResult(Extensible):
    """What a called tool returned: as text, or in several parts."""

    tool_call_id: str
    content: str
    is_error: bool = False
    parts: tuple[ResultPart, ...] = ()

    @property
    def text(self) -> str:
        """Its text, that of its parts joined by newlines."""
        if not self.parts:
            return self.content
        return "\n".join(part.text for part in self.parts if isinstance(part, TextPart))

    def media(self) -> Iterator[MediaPart]:
        """Its media parts."""
        return (part for part in self.parts if isinstance(part, MediaPart))


@value
class ReasoningPart(Extensible):
    """Reasoning of an LLM, passed back unchanged, its opaque fields to the provider alone that is its `dialect`."""

    text: str = ""
    signature: str = ""
    redacted_data: str = ""
    dialect: str = ""

    @property
    def signed(self) -> bool:
        """Whether its provider bound it to itself; other providers refuse it then, and this one refuses any other."""
        return bool(self.signature or self.redacted_data)


ContentPart = TextPart | MediaPart | ToolCall | ToolResult | ReasoningPart | ProviderPart


@value
class Message(Extensible):
    """One turn of the conversation."""

    role: Role
    parts: tuple[ContentPart, ...]
    name: str = ""

    @property
    def text(self) -> str:
        """All its text: an assistant's goes on from part to part, others' parts stand on lines of their own."""
        texts = [part.text for part in self.parts if isinstance(part, TextPart)]
        return ("" if self.role is Role.ASSISTANT else "\n").join(texts)

    def demanded_blocks(self) -> Iterator[ProviderBlock]:
        """The blocks that only their provider understands; those which the LLM itself answered demand nothing."""
        if self.role is Role.ASSISTANT:
            return
        for part in self.parts:
            if isinstance(part, ProviderPart):
                yield part.block
            elif isinstance(part, ToolResult):
                yield from (piece.block for piece in part.parts if isinstance(piece, ProviderPart))


@value
class Tool(Extensible):
    """A tool which the LLM may call; `parameters_json` is a JSON Schema, empty for no parameters.

    A `provider_tool` is one that only its dialect knows; its name is empty unless it can be chosen by it.
    """

    name: str
    description: str = ""
    parameters_json: str = ""
    strict: bool | None = None
    provider_tool: ProviderBlock | None = None


class ToolChoiceMode(enum.Enum):
    """Whether a tool must be called."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


@value
class ToolChoice:
    """A general mode, or the one tool that must be called."""

    mode: ToolChoiceMode = ToolChoiceMode.AUTO
    tool_name: str = ""


@value
class JsonObjectFormat:
    """Any JSON object."""


@value
class JsonSchemaFormat:
    """JSON which satisfies a schema."""

    name: str
    schema_json: str
    description: str = ""
    strict: bool | None = None


ResponseFormat = JsonObjectFormat | JsonSchemaFormat


class ReasoningEffort(enum.Enum):
    """How much an LLM should reason before it answers."""

    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


@value
class GenerationConfig:
    """How the answer is generated; None leaves a setting to the provider.

    Reasoning is set by its effort or by its budget in tokens, not by both.
    """

    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logprobs: bool = False
    top_logprobs: int = 0
    response_format: ResponseFormat | None = None
    reasoning_effort: ReasoningEffort | None = None
    reasoning_budget_tokens: int | None = None
    parallel_tool_calls: bool | None = None
    top_k: int | None = None

    @property
    def demands_reasoning(self) -> bool:
        """Whether the LLM is to reason, and not as it likes."""
        return self.reasoning_budget_tokens is not None or self.reasoning_effort not in (None, ReasoningEffort.NONE)


@value
class Query:
    """What is to be answered. The router sees all of it, not only the last line.

    `user_id` tells the provider which end user asks.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    user_id: str = ""
    provider_options: tuple[ProviderOptions, ...] = ()

    @property
    def last_user_text(self) -> str:
        """Text of the last user message; empty when there is none."""
        for message in reversed(self.messages):
            if message.role is Role.USER:
                return message.text
        return ""

    @property
    def in_tool_loop(self) -> bool:
        """Whether the LLM is waiting for the results which this query brings."""
        return bool(self.messages) and self.messages[-1].role is Role.TOOL

    @property
    def is_prefilled(self) -> bool:
        """Whether the answer is to continue what the assistant has begun to say."""
        return self.goes_on and self.paused is None

    @property
    def goes_on(self) -> bool:
        """Whether the assistant, who spoke last, is to go on."""
        return bool(self.messages) and self.messages[-1].role is Role.ASSISTANT

    @property
    def paused(self) -> ProviderBlock | None:
        """The last block of an answer in which its provider has paused, and which it is to go on with."""
        last = self.messages[-1].parts[-1:] if self.goes_on else ()
        return last[0].block if last and isinstance(last[0], ProviderPart) else None

    def media(self) -> Iterator[MediaPart]:
        """Every media part of the conversation, in results of tools too."""
        for message in self.messages:
            for part in message.parts:
                if isinstance(part, MediaPart):
                    yield part
                elif isinstance(part, ToolResult):
                    yield from part.media()

    def located_options(self) -> Iterator[tuple[str, ProviderOptions]]:
        """All options for providers, each with its path in the request."""
        yield from _located("query", self.provider_options)
        for place, message in enumerate(self.messages):
            if message.provider_options:
                yield from _located(f"query.messages[{place}]", message.provider_options)
            for index, part in enumerate(message.parts):
                if part.provider_options:
                    yield from _located(f"query.messages[{place}].parts[{index}]", part.provider_options)
                if isinstance(part, ToolResult):
                    for piece, said in enumerate(part.parts):
                        at = f"query.messages[{place}].parts[{index}].tool_result.parts[{piece}]"
                        yield from _located(at, said.provider_options)
        for place, tool in enumerate(self.tools):
            yield from _located(f"query.tools[{place}]", tool.provider_options)

    def demanded_dialects(self) -> frozenset[str]:
        """The dialects that a model must speak: those of required options, tools and what others than the LLM say.

        A block in an assistant's message is what a provider answered, and demands nothing.
        """
        demanded = {options.dialect for _, options in self.located_options() if options.required}
        demanded |= {tool.provider_tool.dialect for tool in self.tools if tool.provider_tool is not None}
        demanded |= {block.dialect for message in self.messages for block in message.demanded_blocks()}
        if self.paused is not None:
            demanded.add(self.paused.dialect)
        return frozenset(demanded)


def _located(at: str, options: tuple[ProviderOptions, ...]) -> Iterator[tuple[str, ProviderOptions]]:
    return ((f"{at}.provider_options[{place}]", one) for place, one in enumerate(options))


def text_query(text: str, generation: GenerationConfig | None = None) -> Query:
    """A query of one user message."""
    return Query((Message(Role.USER, (TextPart(text),)),), generation=generation or GenerationConfig())
