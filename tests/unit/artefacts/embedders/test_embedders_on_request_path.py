import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from frontdesk_server.artefacts.embedders import (
    CachedEmbedder,
    InlineEmbedder,
    Matrix,
    ThreadedEmbedder,
    on_request_path,
)

from tests.unit.artefacts.embedders.tables import LetterEmbedder


class FastLetterEmbedder(LetterEmbedder):
    blocking = False


class FailingEmbedder:
    id = "failing@1"
    dimension = 26
    inline = True

    async def embed(self, texts: Sequence[str]) -> Matrix:
        raise RuntimeError("unreachable")


def cached(max_entries: int) -> tuple[CachedEmbedder, LetterEmbedder]:
    embedder = FastLetterEmbedder()
    return CachedEmbedder(on_request_path(embedder), max_entries), embedder


def test_only_blocking_embedders_get_a_thread() -> None:
    assert isinstance(on_request_path(LetterEmbedder()), ThreadedEmbedder)
    assert isinstance(on_request_path(FastLetterEmbedder()), InlineEmbedder)


def test_a_cache_is_inline_where_the_embedder_behind_it_is() -> None:
    assert CachedEmbedder(on_request_path(FastLetterEmbedder()), 1).inline
    assert not CachedEmbedder(on_request_path(LetterEmbedder()), 1).inline


async def test_a_blocking_embedder_leaves_the_event_loop_free() -> None:
    release = threading.Event()

    class Slow(LetterEmbedder):
        def embed_many(self, texts: Sequence[str]) -> Matrix:
            assert release.wait(10)
            return super().embed_many(texts)

    with ThreadPoolExecutor(1) as executor:
        waiting = asyncio.create_task(on_request_path(Slow(), executor).embed(["abc"]))
        await asyncio.sleep(0)
        assert not waiting.done()
        release.set()  # reached only because the loop is free
        vectors = await waiting
    np.testing.assert_array_equal(vectors, LetterEmbedder().embed_many(["abc"]))


async def test_a_text_seen_before_is_not_embedded_again() -> None:
    cache, embedder = cached(10)
    first = await cache.embed(["ab", "cd"])
    second = await cache.embed(["cd", "ef", "ab"])
    assert embedder.asked == [["ab", "cd"], ["ef"]]
    np.testing.assert_array_equal(second[[2, 0]], first)


async def test_a_text_twice_in_a_batch_is_embedded_once() -> None:
    cache, embedder = cached(10)
    vectors = await cache.embed(["ab", "ab"])
    assert embedder.asked == [["ab"]]
    np.testing.assert_array_equal(vectors[0], vectors[1])


async def test_the_least_recently_used_text_is_forgotten_first() -> None:
    cache, embedder = cached(2)
    for text in ("a", "b", "a", "c", "a", "b"):
        await cache.embed([text])
    assert len(cache) == 2
    assert embedder.asked == [["a"], ["b"], ["c"], ["b"]]


async def test_a_batch_larger_than_the_cache_is_answered_whole() -> None:
    cache, _ = cached(1)
    vectors = await cache.embed(["a", "b", "c"])
    np.testing.assert_array_equal(vectors, LetterEmbedder().embed_many(["a", "b", "c"]))
    assert len(cache) == 1


async def test_no_texts_give_an_empty_matrix_and_no_call() -> None:
    cache, embedder = cached(2)
    assert (await cache.embed([])).shape == (0, 26)
    assert embedder.asked == []


async def test_a_caller_who_changes_its_vectors_does_not_change_the_cache() -> None:
    cache, _ = cached(2)
    (await cache.embed(["ab"]))[:] = 0.0
    assert (await cache.embed(["ab"])).any()


async def test_a_failure_is_not_remembered() -> None:
    cache = CachedEmbedder(FailingEmbedder(), 2)
    with pytest.raises(RuntimeError, match="unreachable"):
        await cache.embed(["a"])
    assert len(cache) == 0


def test_the_cache_keeps_identity_and_dimension() -> None:
    cache, embedder = cached(2)
    assert (cache.id, cache.dimension) == (embedder.id, embedder.dimension)


def test_a_cache_of_no_entries_is_refused() -> None:
    with pytest.raises(ValueError, match="max_entries"):
        cached(0)
