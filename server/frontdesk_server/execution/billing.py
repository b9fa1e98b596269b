"""What a call of a model is settled with: what its provider reports, where that can be true, else our own count.

A number can be true when it is none below zero, within what the model can do (its context window, and four times the
output limit that it was sent, as some hidden reasoning passes that) or near what came, and not far below what came.
Our estimates are right within a factor of four, and a text of many blanks may have sixteen times fewer tokens than we
count. Whatever a provider says, the input holds the cached tokens and the output the reasoning. Our own count never
passes what could be answered: the limit that was sent, and the window.
"""

from __future__ import annotations

from dataclasses import fields

from frontdesk_server.domain.errors import (
    UpstreamCredentialsRefused,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRequestRefused,
    UpstreamTimedOut,
    UpstreamUnreachable,
)
from frontdesk_server.domain.model import Model
from frontdesk_server.domain.query import Query
from frontdesk_server.domain.tokens import estimate_few_tokens, estimate_input_tokens
from frontdesk_server.domain.usage import Usage
from frontdesk_server.domain.value import value

_ESTIMATE_FACTOR = 4
_SPARSE_FACTOR = 16
_FEW_TOKENS = 64
"""Below so many counted tokens a report that is lower, but not zero, contradicts nothing; nor does a low limit."""
_MOST_TOKENS = 2**40
"""More than any window, and few enough to be stored, priced and summed up wherever tokens go."""
_COUNTS = tuple(field.name for field in fields(Usage) if field.name != "service_tier")
_UNBILLED = (
    UpstreamUnreachable,
    UpstreamOverloaded,
    UpstreamFailed,
    UpstreamCredentialsRefused,
    UpstreamRequestRefused,
)


@value
class Expectation:
    """What is known before the call: its model, and the estimated tokens of the query and of a whole answer.

    `output_limit` is the one that is sent with the query; None when none is.
    """

    model: Model
    query: Query
    stream: bool
    input_tokens: int
    output_tokens: int
    output_limit: int | None = None

    @property
    def output_bound(self) -> int:
        """Most tokens of an answer that keeps to what was asked."""
        window = self.model.context_window
        return window if self.output_limit is None else min(window, self.output_limit)


@value
class Heard:
    """What became of the call: the last report, the tokens that came by our own count, and whether the end came.

    `sealed` are those that came encrypted, by their size. `opening`: the report is only that with which the call began.
    """

    reported: Usage
    came: int
    anything_came: bool
    finished: bool
    error: BaseException | None = None
    sealed: int = 0
    opening: bool = False


@value
class Billing:
    """What a call is settled with.

    `estimated`: some of it is our own count. `doubted`: the fields of the report that cannot be true. `may_be_more`:
    the end was not heard, so that the provider may bill more than this. It has written what nobody saw, such as hidden
    reasoning, or writes on, as nothing tells it that nobody waits.
    """

    usage: Usage
    estimated: bool = False
    doubted: tuple[str, ...] = ()
    may_be_more: bool = False


NOTHING = Billing(Usage(input_tokens=0, output_tokens=0))


def is_unbilled(error: BaseException | None) -> bool:
    """Whether no provider bills a call that ends so before any content."""
    return isinstance(error, _UNBILLED) or (isinstance(error, UpstreamTimedOut) and error.timer == "connect")


def bill(expected: Expectation, heard: Heard) -> Billing:
    """What a call that was sent is settled with. Never raises, whatever was reported.

    - Nothing, after an error that no provider bills, when no content came and none was reported.
    - The report of a whole answer, its doubtful and missing numbers replaced by the estimated input and by what came;
      a report of both together is divided in proportion to these.
    - Of a broken stream the input and what came, or what was reported where that is more.
    - Of a unary call without an answer the input and the expected output: its provider generates on.
    """
    ended_itself = is_unbilled(heard.error)
    if ended_itself and not heard.anything_came and not _reports_output(heard):
        return NOTHING
    report = _Report(expected, heard)
    input_tokens = report.number("input_tokens")
    output_tokens = report.number("output_tokens")
    read, write = report.parts("cache_read_tokens", "cache_write_tokens", of="input_tokens")
    (long_write,) = report.parts("cache_write_long_tokens", of="input_tokens")
    sound, images = report.parts("input_audio_tokens", "input_image_tokens", of="input_tokens")
    reasoning, spoken, drawn = report.parts(
        "reasoning_tokens", "output_audio_tokens", "output_image_tokens", of="output_tokens"
    )
    counted = min(heard.came + heard.sealed, expected.output_bound)
    whole = heard.finished or (output_tokens or 0) >= counted
    unsaid = input_tokens is None or output_tokens is None
    if input_tokens is None and output_tokens is None:
        input_tokens, output_tokens = report.shares(counted)
    if input_tokens is None:
        input_tokens = expected.input_tokens
    if output_tokens is None or not whole:
        output_tokens = counted
        if not (expected.stream or heard.finished or heard.anything_came):
            output_tokens = min(expected.output_tokens, expected.output_bound)
    only_begun = heard.opening and not heard.finished
    estimated = unsaid or not whole or only_begun or bool(report.doubted)
    usage = Usage(
        input_tokens=max(input_tokens, (read or 0) + (write or 0), (sound or 0) + (images or 0)),
        output_tokens=max(output_tokens, (reasoning or 0) + (spoken or 0) + (drawn or 0)),
        cache_read_tokens=read,
        cache_write_tokens=write,
        reasoning_tokens=reasoning,
        cache_write_long_tokens=long_write,
        input_audio_tokens=sound,
        output_audio_tokens=spoken,
        input_image_tokens=images,
        output_image_tokens=drawn,
        web_searches=heard.reported.web_searches,
        service_tier=heard.reported.service_tier,
    )
    return Billing(usage, estimated, tuple(report.doubted), not (heard.finished or ended_itself))


def together(first: Billing, then: Billing) -> Billing:
    """What two calls are settled with; what neither reported stays unknown."""
    one, other = first.usage, then.usage
    sums = {count: _sum(getattr(one, count), getattr(other, count)) for count in _COUNTS}
    usage = Usage(**sums, service_tier=other.service_tier or one.service_tier)
    return Billing(usage, first.estimated or then.estimated, first.doubted + then.doubted, then.may_be_more)


def _sum(first: int | None, then: int | None) -> int | None:
    return None if first is None and then is None else (first or 0) + (then or 0)


class _Report:
    """The numbers of one report that can be true; the fields of the others are `doubted`."""

    def __init__(self, expected: Expectation, heard: Heard) -> None:
        self.doubted: list[str] = []
        model = expected.model
        output = model.context_window
        if expected.output_limit is not None:
            output = min(output, _ESTIMATE_FACTOR * max(_FEW_TOKENS, expected.output_limit))
        self._most = {
            "input_tokens": _at_most(model.context_window, expected.input_tokens),
            "output_tokens": _at_most(output, heard.came),
        }
        self._expected = expected
        self._heard = heard

    def number(self, field: str) -> int | None:
        """What was reported of a whole; None where nothing was, or what cannot be true."""
        number: int | None = getattr(self._heard.reported, field)
        if number is None or (_counts(number) and self._fits(field, number)):
            return number
        self.doubted.append(field)
        return None

    def shares(self, came: int) -> tuple[int | None, int | None]:
        """Input and output of a whole answer of which only their sum was reported; None where nothing was."""
        total, counted = self._heard.reported.total_tokens, self._expected.input_tokens + came
        if total is None or not self._heard.finished or counted == 0:
            return None, None
        output = total * came // counted
        possible = total - output <= self._most["input_tokens"] and output <= self._most["output_tokens"]
        if possible and _counts(total) and not _too_little(total, counted):
            return total - output, output
        self.doubted.append("total_tokens")
        return None, None

    def parts(self, *fields: str, of: str) -> list[int | None]:
        """What was reported of a whole's parts. A whole that was reported as less than its parts is doubted, too."""
        numbers: dict[str, int | None] = {field: getattr(self._heard.reported, field) for field in fields}
        known = [number for number in numbers.values() if number is not None]
        if not all(map(_counts, known)) or sum(known) > self._most[of]:
            self.doubted += [field for field, number in numbers.items() if number]
            return [None] * len(fields)
        whole = getattr(self._heard.reported, of)
        if whole is not None and of not in self.doubted and sum(known) > whole:
            self.doubted.append(of)
        return list(numbers.values())

    def _fits(self, field: str, number: int) -> bool:
        """Before the end more may come than was reported. Media prove no input: a small picture has few tokens."""
        if number > self._most[field]:
            return False
        if field == "output_tokens":
            counted = min(self._heard.came, self._expected.output_bound)
            return not (self._heard.finished and _too_little(number, counted))
        expected = self._expected
        if not _too_little(number, expected.input_tokens):
            return True
        fewest = estimate_input_tokens(expected.query, per_media=0, tokens_of=estimate_few_tokens)
        return not _too_little(number, fewest)


def _reports_output(heard: Heard) -> bool:
    """Whether the provider says that it wrote something, which it bills whatever went wrong then."""
    output = heard.reported.output_tokens
    return not heard.opening and output is not None and output > 0


def _counts(number: object) -> bool:
    return type(number) is int and number >= 0


def _at_most(can: int, counted: int) -> int:
    return min(_MOST_TOKENS, max(can, _ESTIMATE_FACTOR * counted))


def _too_little(number: int, counted: int) -> bool:
    if number == 0:
        return counted > 0
    return counted >= _FEW_TOKENS and number * _SPARSE_FACTOR < counted
