"""What goes wrong upstream, in the words of the domain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from frontdesk_server.backends.refusals import error_object, status_error
from frontdesk_server.backends.retry_after import MAX_RETRY_AFTER_SECONDS, retry_after_seconds
from frontdesk_server.domain.errors import (
    UpstreamContextExceeded,
    UpstreamCredentialsRefused,
    UpstreamError,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamProtocolError,
    UpstreamRequestRefused,
)

TOO_LONG = b'{"error": {"message": "This model\'s maximum context length is 8192 tokens.", "code": null}}'


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, b"", UpstreamRequestRefused),
        (404, b"{}", UpstreamRequestRefused),
        (413, b"", UpstreamRequestRefused),
        (422, b'{"detail": [{"msg": "bad"}]}', UpstreamRequestRefused),
        (400, b'{"error": {"code": "context_length_exceeded", "message": "x"}}', UpstreamContextExceeded),
        (400, TOO_LONG, UpstreamContextExceeded),
        (
            400,
            b'{"error": {"code": 400, "type": "exceed_context_size_error"}}',
            UpstreamContextExceeded,
        ),
        (
            400,
            b'{"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"}}',
            UpstreamContextExceeded,
        ),
        (400, b'{"error": "input length exceeds"}', UpstreamContextExceeded),
        (401, b"", UpstreamCredentialsRefused),
        (402, b"", UpstreamCredentialsRefused),
        (403, b"", UpstreamCredentialsRefused),
        (408, b"", UpstreamFailed),
        (429, b"", UpstreamOverloaded),
        (429, b'{"error": {"code": "insufficient_quota"}}', UpstreamCredentialsRefused),
        (500, TOO_LONG, UpstreamContextExceeded),
        (502, b"<html>", UpstreamFailed),
        (503, b"", UpstreamFailed),
        (529, b'{"type": "error", "error": {"type": "overloaded_error"}}', UpstreamOverloaded),
        (
            400,
            b'{"error": {"type": "invalid_request_error", "message": "Credit balance too low."}}',
            UpstreamCredentialsRefused,
        ),
        (429, b'{"error": {"message": "Insufficient balance", "code": "1113"}}', UpstreamCredentialsRefused),
        (429, b'{"error": {"message": "You have used all available credits."}}', UpstreamCredentialsRefused),
        (
            400,
            b'[{"error": {"code": 400, "message": "API key not valid.", "status": "X"}}]',
            UpstreamCredentialsRefused,
        ),
        (
            400,
            b'{"error": {"message": "too long", "type": "too_many_prompt_tokens", "code": 400}}',
            UpstreamContextExceeded,
        ),
        (
            400,
            b'{"error": {"message": "input length and `max_tokens` exceed context limit: 9 + 8 > 10"}}',
            UpstreamContextExceeded,
        ),
        (400, b'{"error": {"message": "Input token count (9) exceeds the maximum"}}', UpstreamContextExceeded),
        (400, b'{"error": {"message": "Please reduce the length of the messages."}}', UpstreamContextExceeded),
        (400, b'{"error": {"message": "Input is too long for the model."}}', UpstreamContextExceeded),
        (413, b'{"error": {"message": "Request too large for model `m`", "code": "x"}}', UpstreamContextExceeded),
        (413, b'{"error": {"code": "tokens_limit_reached", "message": "Max size: 8"}}', UpstreamContextExceeded),
        (
            413,
            b'{"error": {"type": "request_too_large", "message": "more bytes than allowed"}}',
            UpstreamRequestRefused,
        ),
        (400, b'{"error": {"message": "max_tokens is too large: 9"}}', UpstreamRequestRefused),
        (
            400,
            b'{"error": {"message": "Provider returned error", "metadata": {"raw": '
            b'"{\\"error\\": {\\"message\\": \\"prompt is too long\\"}}"}}}',
            UpstreamContextExceeded,
        ),
        (403, b'{"error": {"message": "the input was flagged", "code": 403}}', UpstreamRequestRefused),
        (429, b'{"error": {"message": "Too many tokens per minute"}}', UpstreamOverloaded),
        (204, b"", UpstreamProtocolError),
        (302, b"", UpstreamProtocolError),
    ],
)
def test_statuses(status: int, body: bytes, expected: type[UpstreamError]) -> None:
    error = status_error(status, {}, body)
    assert type(error) is expected
    assert error.status == status


@pytest.mark.parametrize(
    ("status", "said", "retryable"),
    [
        (500, None, True),
        (500, "false", False),
        (429, "False", False),
        (429, "true", True),
        (400, None, False),
        (400, "true", True),
        (401, "true", True),
        (503, "perhaps", True),
    ],
)
def test_an_upstream_that_says_whether_to_repeat_is_obeyed(status: int, said: str | None, retryable: bool) -> None:
    headers = {} if said is None else {"x-should-retry": said}
    assert status_error(status, headers, b"").retryable is retryable


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"choices": []}, None),
        ({"error": None, "choices": []}, None),
        ({"error": {}}, None),
        ({"error": "broken"}, UpstreamFailed),
        ({"error": {"message": "x"}}, UpstreamFailed),
        ({"error": {"message": "x", "type": "rate_limit_exceeded"}}, UpstreamOverloaded),
        ({"error": {"message": "x", "type": "invalid_request_error"}}, UpstreamRequestRefused),
        (
            {"error": {"type": "invalid_request_error", "code": "invalid_api_key"}},
            UpstreamCredentialsRefused,
        ),
        ({"error": {"message": "the context window is full", "code": 400}}, UpstreamContextExceeded),
        ({"error": {"message": "x", "code": 502}}, UpstreamFailed),
        ({"object": "error", "message": "x", "code": 429}, UpstreamOverloaded),
        ({"type": "error", "error": {"type": "overloaded_error"}}, UpstreamOverloaded),
        ([{"error": {"code": 503, "message": "x"}}], UpstreamFailed),
        ([1], None),
        ({"error": {"message": "x", "code": "context_length_exceeded"}}, UpstreamContextExceeded),
        ({"error": {"message": "max tokens of 8000 exceeded"}}, UpstreamContextExceeded),
        (
            {"error": {"code": 500, "message": "the request exceeds the available context size"}},
            UpstreamContextExceeded,
        ),
        ({"error": {"code": 500, "message": "context deadline exceeded"}}, UpstreamFailed),
    ],
)
def test_error_objects(document: object, expected: type[UpstreamError] | None) -> None:
    error = error_object(document)
    assert error is None if expected is None else type(error) is expected


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        ('[{"error": {"code": 429, "message": "out of capacity", "status": "X"}}]', "out of capacity"),
        ('{"error": {"message": "Provider failed", "metadata": {"raw": "try later"}}}', "Provider failed: try later"),
        (
            '{"error": {"message": "Provider failed", "metadata": {"raw": "{\\"detail\\": \\"no room\\"}"}}}',
            "Provider failed: no room",
        ),
        ('{"error": {"metadata": {"raw": {"error": {"message": "no room"}}}}}', "no room"),
        ('{"errors": [{"code": 7, "message": "no such route"}]}', "no such route"),
        ('{"message": "slow down", "request_id": "1"}', "slow down"),
        ("no healthy upstream", "no healthy upstream"),
        ("<html><h1>Bad gateway</h1></html>", ""),
        ('{"error": {"message": "half \\ud83d"}}', "half \ufffd"),
        ('{"error": 5}', ""),
        ("[]", ""),
    ],
)
def test_the_reason_is_quoted_wherever_it_stands(body: str, quoted: str) -> None:
    assert status_error(500, {}, body.encode()).quoted == quoted


def test_an_empty_account_is_told_in_the_upstreams_words() -> None:
    error = status_error(400, {}, b'{"error": {"message": "Your credit balance is too low."}}')
    assert (type(error), error.quoted) == (UpstreamCredentialsRefused, "Your credit balance is too low.")


def test_the_upstreams_words_are_kept_but_not_those_about_keys() -> None:
    assert "bad" in status_error(422, {}, b'{"detail": [{"msg": "bad"}]}').quoted
    assert "sk-1" not in status_error(401, {}, b'{"error": {"message": "wrong key sk-1"}}').quoted
    assert "bad" not in str(status_error(422, {}, b'{"detail": [{"msg": "bad"}]}'))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "1e20"}, MAX_RETRY_AFTER_SECONDS),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "Fri, 01 Jan 9999 00:00:00 GMT"}, MAX_RETRY_AFTER_SECONDS),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 -2359"}, MAX_RETRY_AFTER_SECONDS),
        ({"retry-after": "Mon, 01 Jan 0001 00:00:00 +2359"}, 0.0),
        ({"retry-after": "Fri, 01 Jan 2100 00:00:00 +999999"}, None),
        ({"retry-after": "Fri, 01 Jan 99999999999999999999 00:00:00 GMT"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Fri, 01 Jan 1990 00:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "1"}, 1.0),
        ({"retry-after": "2, 5"}, 5.0),
        ({"retry-after": "5, later"}, None),
        ({"retry-after": "2s"}, 2.0),
        ({"retry-after": "1.5 seconds"}, 1.5),
        ({"retry-after": "1500ms"}, 1.5),
        ({"retry-after-ms": "1500ms"}, 1.5),
        ({"retry-after": "1_0"}, None),
        ({"retry-after": "1990-01-01T00:00:00Z"}, 0.0),
        ({"retry-after": "9999-01-01T00:00:00+02:00"}, MAX_RETRY_AFTER_SECONDS),
    ],
)
def test_retry_after(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_seconds(headers) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error": {"details": [{"@type": "x"}, {"retryDelay": "34.5s"}]}}', 34.5),
        (b'[{"error": {"details": [{"retryDelay": "3s"}]}}]', 3.0),
        (b'{"error": {"details": [{"retryDelay": 3}, "3s"]}}', None),
        (b'{"error": {"details": "3s"}}', None),
    ],
)
def test_google_says_in_the_error_how_long_to_wait(body: bytes, expected: float | None) -> None:
    assert status_error(429, {}, body).retry_after_seconds == expected
    assert status_error(429, {"retry-after": "1"}, body).retry_after_seconds == 1.0


def test_retry_after_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    seconds = retry_after_seconds({"retry-after": date})
    assert seconds is not None
    assert 85 < seconds <= 90
