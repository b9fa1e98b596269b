"""What an upstream says went wrong, in the words of `domain.errors`: statuses and error objects."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from frontdesk_server.backends.halves import whole_text
from frontdesk_server.backends.json_reading import Json, json_object, json_text, json_value
from frontdesk_server.backends.refused_fields import refused_fields
from frontdesk_server.backends.retry_after import retry_after_seconds
from frontdesk_server.backends.sse import SseEvent
from frontdesk_server.domain.errors import (
    UpstreamContextExceeded,
    UpstreamCredentialsRefused,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamProtocolError,
    UpstreamRequestRefused,
)
from frontdesk_server.domain.lessons import Refusal, RefusedHow

_MAX_DEPTH = 4
"""How deep the particulars of an error may lie within it."""

_BY_STATUS: Mapping[int, type[UpstreamError]] = {
    401: UpstreamCredentialsRefused,
    402: UpstreamCredentialsRefused,
    403: UpstreamCredentialsRefused,
    408: UpstreamFailed,
    409: UpstreamFailed,
    424: UpstreamFailed,  # by Amazon Bedrock of a model that failed
    425: UpstreamFailed,
    429: UpstreamOverloaded,
    498: UpstreamOverloaded,
    529: UpstreamOverloaded,
}

_BY_CODE: Mapping[str, type[UpstreamError]] = {
    "authentication_error": UpstreamCredentialsRefused,
    "billing_error": UpstreamCredentialsRefused,
    "context_length_exceeded": UpstreamRequestRefused,
    "insufficient_quota": UpstreamCredentialsRefused,
    "invalid_api_key": UpstreamCredentialsRefused,
    "invalid_prompt": UpstreamRequestRefused,
    "invalid_request_error": UpstreamRequestRefused,
    "model_not_found": UpstreamRequestRefused,
    "not_found_error": UpstreamRequestRefused,
    "overloaded_error": UpstreamOverloaded,
    "permission_error": UpstreamCredentialsRefused,
    "rate_limit_error": UpstreamOverloaded,
    "rate_limit_exceeded": UpstreamOverloaded,
    "request_too_large": UpstreamRequestRefused,
}

_ASKED_TO_RETRY = {"true": True, "false": False}
"""What OpenAI and Anthropic say of a repeat beside the status, which their SDKs obey before it."""

# Providers tell by words alone what the status does not. Codes are searched, too: the same words with underscores.
_CONTEXT_EXCEEDED = re.compile(
    r"context (?:length|window|size|limit)|maximum (?:context|model|prompt|input|sequence) length"
    r"|(?:prompt|input|messages?|conversation) (?:is |are )?too (?:long|large)"
    r"|request (?:body )?(?:is )?too large for|too many (?:input |prompt |total )?tokens"
    r"|(?:input|prompt|request) (?:length |tokens? (?:count )?)?(?:\(.*?\) )?exceed"
    r"|max(?:imum)? tokens (?:of [0-9]+ )?exceeded|tokens? limit (?:reached|exceeded)|exceeded model token limit"
    r"|reduce (?:the length of|your (?:prompt|input|message))|range of input length|tokens \+ \W?max new tokens",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(
    r"credit balance|insufficient (?:\w+ )?(?:balance|credits?|funds|quota)"
    r"|(?:out of|used all|no) (?:available )?credits"
    r"|spending limit|arrear|quota has been exhausted|account (?:\w+ ){0,2}(?:suspended|deactivated|in arrears)",
    re.IGNORECASE,
)
_BETWEEN_ERRORS = re.compile(r"\}\s*\n\s*\{")
_KEY_REFUSED = re.compile(
    r"api[ -]key (?:is |was )?(?:not valid|invalid|expired|incorrect)|(?:invalid|incorrect|expired) (?:x )?api[ -]key",
    re.IGNORECASE,
)


def status_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """The error that a response with a status other than 200 stands for."""
    document = _document(body)
    codes, message = _particulars(document)
    kind = _refined(_by_status(status), codes, message)
    error = kind(
        f"the upstream answered {status}",
        status=status,
        retry_after_seconds=retry_after_seconds(headers, document),
        quoted=_quoted(kind, message),
    )
    if (asked := _ASKED_TO_RETRY.get(headers.get("x-should-retry", "").lower())) is not None:
        error.retryable = asked
    return _naming(error, document, message)


def error_object(document: Any) -> UpstreamError | None:
    """The error that a JSON document of a response with status 200 reports; None when it reports none."""
    if isinstance(document, list) and document:  # Google's errors come in an array
        document = document[0]
    if not isinstance(document, dict):
        return None
    if not document.get("error") and document.get("object") != "error" and document.get("type") != "error":
        return None
    return _reported(document)


def _reported(document: Any) -> UpstreamError:
    """The error in a document which is one."""
    codes, message = _particulars(document)
    kind = next((_BY_CODE[code] for code in codes if code in _BY_CODE), None)
    if kind is None:
        kind = next((_by_status(int(code)) for code in codes if re.fullmatch(r"[45][0-9]{2}", code)), UpstreamFailed)
    kind = _refined(kind, codes, message)
    error = kind("the upstream reported an error", status=200, quoted=_quoted(kind, message))
    return _naming(error, document, message)


def _naming(error: UpstreamError, document: Any, message: str) -> UpstreamError:
    """The error, with the field that is refused by name, if one is."""
    if isinstance(error, UpstreamRequestRefused) and not isinstance(error, UpstreamContextExceeded):
        written = _written_by_python(message)
        located = list(_located(document if written is None else written))
        if located:
            refusals = [one for place, said in located if (one := refused_fields(said, [place])) is not None]
            fields = [one.fields for one in refusals if one.how is RefusedHow.FIELD]
            error.refusal = Refusal(frozenset().union(*fields)) if fields else next(iter(refusals), None)
        elif written is None:
            inner = document.get("error") if isinstance(document, dict) else None
            param = inner.get("param") if isinstance(inner, dict) else None
            error.refusal = refused_fields(message, [param] if isinstance(param, str) else ())
    return error


def _located(document: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Places in the request and what is said of each, of errors in pydantic's form, wherever they lie."""
    match document:
        case {"loc": [_, *place], "msg": str(said), "type": kind}:
            yield ".".join(map(str, place)), f"{said} ({kind})"
        case dict() if depth < _MAX_DEPTH:
            for held in document.values():
                yield from _located(held, depth + 1)
        case list() if depth < _MAX_DEPTH:
            for item in document:
                yield from _located(item, depth + 1)


def _written_by_python(message: str) -> list[Any] | None:
    """Errors of pydantic that a server gives as Python writes them; None where the message holds none.

    They quote the input, so that their words alone must not be read: what cannot be parsed says nothing.
    """
    if "'loc':" not in message:
        return None
    errors = message[message.find("{") : message.rfind("}") + 1]
    try:
        read = ast.literal_eval(f"[{_BETWEEN_ERRORS.sub('}, {', errors)}]")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    return read if isinstance(read, list) else []


def event_object(event: SseEvent) -> Json:
    """The JSON object in an event.

    Raises:
        UpstreamError: the event is an error, in whatever form, or holds anything else.

    """
    if event.type == "error":
        raise _reported(_document(event.data.encode()))
    return json_object(event.data)


def _by_status(status: int) -> type[UpstreamError]:
    if kind := _BY_STATUS.get(status):
        return kind
    if 400 <= status < 500:
        return UpstreamRequestRefused
    return UpstreamFailed if status >= 500 else UpstreamProtocolError


def _refined(kind: type[UpstreamError], codes: list[str], message: str) -> type[UpstreamError]:
    """What codes and words tell beyond the status."""
    if kind is UpstreamCredentialsRefused and "flagged" in message:
        return UpstreamRequestRefused  # OpenRouter answers 403 to what moderation stops
    words = " ".join((*codes, message)).replace("_", " ")
    if kind is UpstreamFailed and _CONTEXT_EXCEEDED.search(words):
        return UpstreamContextExceeded  # llama.cpp answers 500
    if kind not in (UpstreamRequestRefused, UpstreamOverloaded):
        return kind
    if _NO_CREDIT.search(words) or (kind is UpstreamRequestRefused and _KEY_REFUSED.search(words)):
        return UpstreamCredentialsRefused
    if kind is UpstreamRequestRefused and _CONTEXT_EXCEEDED.search(words):
        return UpstreamContextExceeded
    return kind


def _document(body: bytes) -> Any:
    """What a body holds: JSON, or plain text, which is a message itself; a page of HTML says nothing."""
    try:
        return json_value(body)
    except ValueError:
        text = body.decode(errors="replace").strip()
        return "" if text.startswith("<") else text


def _particulars(document: Any, depth: int = 0) -> tuple[list[str], str]:
    """Codes, most telling first, and message of an error in any of the shapes that servers use."""
    if isinstance(document, list) and document:
        document = document[0]
    if isinstance(document, str):
        return [], whole_text(document)
    if not isinstance(document, dict) or depth > _MAX_DEPTH:
        return [], ""
    codes = [whole_text(str(document[key])) for key in ("code", "type", "status") if document.get(key)]
    inner = document.get("error") or document.get("errors")
    if inner and isinstance(inner, dict | list | str):
        inner_codes, message = _particulars(inner, depth + 1)
        return inner_codes + codes, message or _message(document)
    metadata = document.get("metadata")
    if isinstance(metadata, dict) and metadata.get("raw"):  # OpenRouter quotes the provider behind it
        raw = metadata["raw"]
        quoted = _document(raw.encode(errors="replace")) if isinstance(raw, str) else raw
        raw_codes, raw_message = _particulars(quoted, depth + 1)
        return raw_codes + codes, ": ".join(filter(None, (_message(document), raw_message)))
    return codes, _message(document)


def _message(error: Mapping[str, Any]) -> str:
    message = next((error[key] for key in ("message", "Message", "detail", "msg", "title") if error.get(key)), "")
    return whole_text(message) if isinstance(message, str) else json_text(message)


def _quoted(kind: type[UpstreamError], message: str) -> str:
    """The upstream's words, but for those about a key, which may hold a part of it."""
    return "" if kind is UpstreamCredentialsRefused and not _NO_CREDIT.search(message) else message
