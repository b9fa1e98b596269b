"""The embeddings endpoint as its client sees it, by httpx's own mock transport."""

import json
from collections.abc import Callable

import httpx
import numpy as np
import pytest
from frontdesk_server.backends.embeddings import EmbeddingsClient
from frontdesk_server.backends.signon import bearer
from frontdesk_server.backends.signon.keys import KeySignOn
from frontdesk_server.domain.errors import (
    UpstreamCredentialsRefused,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamProtocolError,
    UpstreamTimedOut,
    UpstreamUnreachable,
)

Handler = Callable[[httpx.Request], httpx.Response]


class Endpoint:
    """Answers with [length of the text, 1], the last text first, and remembers the requests."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        texts = json.loads(request.content)["input"]
        data = [{"index": index, "embedding": [float(len(text)), 1.0]} for index, text in enumerate(texts)]
        return httpx.Response(200, json={"data": data[::-1]})


def client_of(handler: Handler, **options: object) -> EmbeddingsClient:
    settings = {"base_url": "http://upstream/v1/", "model": "small", "dimension": 2, **options}
    return EmbeddingsClient(httpx.MockTransport(handler), **settings)  # type: ignore[arg-type]


def answering(content: object) -> Handler:
    return lambda request: httpx.Response(200, json=content)


def failing(error: Exception) -> Handler:
    def handle(request: httpx.Request) -> httpx.Response:
        raise error

    return handle


async def test_vectors_come_normalised_in_the_order_of_the_texts() -> None:
    vectors = await client_of(Endpoint()).embed(["abc", ""])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [[3 / 10**0.5, 1 / 10**0.5], [0.0, 1.0]], rtol=1e-6)


async def test_the_request_names_model_texts_key_and_configured_headers() -> None:
    endpoint = Endpoint()
    await client_of(endpoint, sign_on=KeySignOn("secret", bearer), headers={"x-team": "search"}).embed(["abc"])
    (request,) = endpoint.requests
    assert str(request.url) == "http://upstream/v1/embeddings"
    assert request.headers["authorization"] == "Bearer secret"
    assert request.headers["x-team"] == "search"
    assert json.loads(request.content) == {"model": "small", "input": ["abc"], "encoding_format": "float"}


async def test_many_texts_go_out_in_batches() -> None:
    endpoint = Endpoint()
    vectors = await client_of(endpoint, max_batch=2).embed(["a", "bb", "ccc", "dddd", "eeeee"])
    assert [len(json.loads(request.content)["input"]) for request in endpoint.requests] == [2, 2, 1]
    np.testing.assert_allclose(vectors[:, 0] / vectors[:, 1], [1, 2, 3, 4, 5], rtol=1e-5)


async def test_no_texts_need_no_request() -> None:
    endpoint = Endpoint()
    assert (await client_of(endpoint).embed([])).shape == (0, 2)
    assert endpoint.requests == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"data": [{"index": 0, "embedding": [1.0, 2.0, 3.0]}]}, "dimension 3, but 2 is configured"),
        ({"data": []}, "one vector for each of 1 texts"),
        ({"data": [None]}, "one vector for each of 1 texts"),
        ({"data": [{"index": "first", "embedding": [1.0, 2.0]}]}, "an index is not a whole number"),
        ({"data": [{"index": 0, "embedding": "AAAA"}]}, "text 0 is not a list of numbers"),
        ({"data": [{"index": 0, "embedding": 1.0}]}, "text 0 is not a list of numbers"),
        ({"data": [{"index": 0, "embedding": [None, 1.0]}]}, "text 0 is not a list of numbers"),
        ({"data": [{"index": 0, "embedding": ["1", "2"]}]}, "text 0 is not a list of numbers"),
        ({"data": [{"index": 0, "embedding": [[1.0], [2.0, 3.0]]}]}, "text 0 is not a list of numbers"),
        ({"data": [{"index": 0, "embedding": [1e300, 1.0]}]}, "text 0 holds a number without bounds"),
        ([], "one vector for each of 1 texts"),
    ],
)
async def test_an_answer_that_is_not_what_was_asked_for_is_a_protocol_error(content: object, says: str) -> None:
    with pytest.raises(UpstreamProtocolError, match=says):
        await client_of(answering(content)).embed(["abc"])


@pytest.mark.parametrize(
    ("indexes", "places"),
    [
        pytest.param([None, 1, 2], [0, 1, 2], id="a zero left out"),
        pytest.param([1, 2, None], [1, 2, 0], id="a zero left out, not in order"),
        pytest.param([0, None, 2], [0, 1, 2], id="another left out"),
        pytest.param([None, None, None], [0, 1, 2], id="all left out"),
    ],
)
async def test_an_embedding_without_index_has_the_place_that_is_free(
    indexes: list[int | None], places: list[int]
) -> None:
    data = [
        {"embedding": [float(place), 1.0]} | ({} if index is None else {"index": index})
        for index, place in zip(indexes, places, strict=True)
    ]
    vectors = await client_of(answering({"data": data})).embed(["a", "b", "c"])
    np.testing.assert_allclose(vectors[:, 0] / vectors[:, 1], [0, 1, 2], rtol=1e-5)


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (lambda request: httpx.Response(401, json={"error": {"message": "bad key"}}), UpstreamCredentialsRefused),
        (lambda request: httpx.Response(429, headers={"retry-after": "3"}), UpstreamOverloaded),
        (lambda request: httpx.Response(200, content=b"<html>"), UpstreamProtocolError),
        (answering({"error": {"code": "overloaded_error", "message": "later"}}), UpstreamOverloaded),
        (failing(httpx.ConnectError("refused")), UpstreamUnreachable),
        (failing(httpx.ReadTimeout("slow")), UpstreamTimedOut),
    ],
    ids=["401", "429", "not JSON", "error object", "refused", "timeout"],
)
async def test_failures_are_those_of_any_upstream(handler: Handler, kind: type[UpstreamError]) -> None:
    with pytest.raises(kind):
        await client_of(handler).embed(["abc"])


async def test_a_key_that_http_cannot_carry_is_a_refused_credential() -> None:
    endpoint = Endpoint()
    with pytest.raises(UpstreamCredentialsRefused):
        await client_of(endpoint, sign_on=KeySignOn("secret\n", bearer)).embed(["abc"])
    assert endpoint.requests == []


def test_the_id_tells_endpoints_models_and_dimensions_apart() -> None:
    ids = [
        client_of(Endpoint(), **options).id
        for options in (
            {},
            {"base_url": "http://other/v1"},
            {"model": "large"},
            {"dimension": 3},
            {"sign_on": KeySignOn("k", bearer)},
        )
    ]
    assert ids[0] == ids[4]
    assert len(set(ids)) == 4
