"""Recorded answers as a cascade needs them: quality, cost and groups of agreeing answers, the strongest last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.judging.answers import Compare, answer_size, group_answers
from frontdesk_server.learning.data.dataset import Dataset, DatasetError

__all__ = ["RecordedAnswers", "record_answers"]

MAX_MEMBERS = 10
MIN_QUERIES = 30


@dataclass(frozen=True, slots=True, eq=False)
class RecordedAnswers:
    """Complete rows only; `n` queries, `k` members and the strongest model."""

    prompts: tuple[str, ...]
    models: tuple[str, ...]
    """Members in the order of the pool, then the strongest."""
    quality: NDArray[np.float64]
    """[n, k + 1]"""
    cost_nano_usd: NDArray[np.float64]
    """[n, k + 1]"""
    groups: NDArray[np.int64]
    """[n, k], which members' answers agree; -1 where a member gave none."""
    answer_size: NDArray[np.float64]
    """[n, k], size of each final answer, see `domain.answers.answer_size`."""
    easiness: NDArray[np.float64]
    """[n], how well all models of the data do on the query, each against its own mean."""
    rows: NDArray[np.intp]
    """[n], which queries of the data set they are."""
    sha256: str

    @property
    def members(self) -> int:
        """Number of cheap models."""
        return len(self.models) - 1

    def __len__(self) -> int:
        return len(self.prompts)


def record_answers(
    dataset: Dataset, pool: Sequence[str], strongest: str, *, compare: Compare = "auto", at_least: int = MIN_QUERIES
) -> RecordedAnswers:
    """Take the queries on which the whole pool and the strongest model have an outcome and a cost.

    Raises DatasetError where a model or the answers are missing, or where too few queries are left.
    """
    members = tuple(dict.fromkeys(model for model in pool if model != strongest))
    if not 1 <= len(members) <= MAX_MEMBERS:
        raise DatasetError(f"a cascade needs 1 to {MAX_MEMBERS} members beside the strongest model, got {len(members)}")
    columns = [dataset.model_index(model) for model in (*members, strongest)]
    quality, cost = dataset.quality[:, columns], dataset.cost_nano_usd[:, columns]
    if np.isnan(cost[~np.isnan(quality)]).all():
        raise DatasetError("cost_nano_usd is empty for these models; a cascade is fitted to save cost")
    if not np.nansum(cost[:, -1]):
        raise DatasetError(f"{strongest} costs nothing, so that a cascade could save nothing")
    rows = np.flatnonzero(~(np.isnan(quality) | np.isnan(cost)).any(axis=1))
    if len(rows) < at_least:
        raise DatasetError(
            f"only {len(rows)} queries have an outcome and a cost of every one of these models; {at_least} are needed"
        )
    answers = _answers(dataset, columns[:-1], rows)
    deviation = dataset.quality - np.nanmean(dataset.quality, axis=0)
    return RecordedAnswers(
        tuple(dataset.prompts[i] for i in rows),
        (*members, strongest),
        quality[rows],
        cost[rows],
        np.array([group_answers(list(row), compare=compare) for row in answers]),
        np.array([[answer_size(answer, compare=compare) for answer in row] for row in answers]),
        np.nanmean(deviation[rows], axis=1),
        rows,
        dataset.sha256,
    )


def _answers(dataset: Dataset, columns: list[int], rows: NDArray[np.intp]) -> NDArray[np.object_]:
    """Return the extracted answers, or where the data has none the responses they are to be read off."""
    for texts in (dataset.answers, dataset.responses):
        chosen = texts[rows][:, columns]
        if any(text is not None for text in chosen.flat):
            return chosen
    raise DatasetError("neither answer nor response is recorded for these models; agreement cannot be computed")
