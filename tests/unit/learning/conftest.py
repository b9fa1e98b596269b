from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from frontdesk_server.learning.data.dataset import Dataset
from frontdesk_server.learning.training import blocks

ANIMALS = ["cat", "dog", "horse", "otter", "heron", "badger", "lynx", "mole", "trout", "finch"]
FORMULAS = ["integral", "tensor", "lattice", "spinor", "manifold", "torsion", "functor", "sheaf", "ideal", "kernel"]


def make_dataset(prompts: Sequence[str], models: Sequence[str], quality: np.ndarray, domains: Sequence[str]) -> Dataset:
    nothing = np.full(quality.shape, None, dtype=object)
    cost = np.broadcast_to(np.geomspace(100.0, 10_000.0, len(models)), quality.shape).copy()
    return Dataset(
        query_ids=tuple(f"q{i}" for i in range(len(prompts))),
        prompts=tuple(prompts),
        domains=tuple(domains),
        models=tuple(models),
        quality=quality,
        cost_nano_usd=cost,
        latency_ms=np.full(quality.shape, np.nan),
        check_score=np.full(quality.shape, np.nan),
        check_cost_nano_usd=np.full(quality.shape, np.nan),
        responses=nothing,
        answers=nothing,
        check_kind=nothing,
    )


def animals_and_formulas(n: int, seed: int) -> Dataset:
    """The small model knows animals and fails at formulas, the large one knows both; a tenth of outcomes is noise."""
    rng = np.random.default_rng(seed)
    hard = rng.random(n) < 0.5
    prompts = [
        f"Tell me about the {a} and the {b}, number {i}?"
        for i, (a, b) in enumerate(
            rng.choice(FORMULAS if is_hard else ANIMALS, size=2, replace=False) for is_hard in hard
        )
    ]
    quality = np.column_stack([~hard, np.ones(n)]).astype(float)
    quality = np.where(rng.random(quality.shape) < 0.1, 1.0 - quality, quality)
    return make_dataset(prompts, ("small", "large"), quality, ["formulas" if h else "animals" for h in hard])


@pytest.fixture(scope="session", autouse=True)
def _few_ferns() -> Iterator[None]:
    """A tenth of the ferns is enough for rules as plain as those of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_FERNS", 25)
        yield


@pytest.fixture(scope="session")
def outcomes() -> Dataset:
    return animals_and_formulas(240, seed=1)


@pytest.fixture(scope="session")
def further_outcomes() -> Dataset:
    return animals_and_formulas(160, seed=2)
