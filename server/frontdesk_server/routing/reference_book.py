"""Keeps an index of references current: embeds them once, and reads their file again when it has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import structlog

from frontdesk_server.artefacts.embedders import AsyncEmbedder, EmbedderError, Matrix
from frontdesk_server.config.files import read_again
from frontdesk_server.domain.clock import Clock
from frontdesk_server.domain.defects import report_defect
from frontdesk_server.domain.errors import UpstreamError
from frontdesk_server.domain.unusable import in_words
from frontdesk_server.routing.references import Reference, ReferenceIndex, Scoring, parse_references

_SECONDS_BETWEEN_LOOKS = 1.0

log = structlog.get_logger()


class InvalidReferences(Exception):
    """A file of references cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How an index scores; as in the configuration."""

    scoring: Scoring
    k: int
    threshold: float
    thresholds: Mapping[str, float]


class ReferenceBook:
    """References from the configuration and a file, as an index over one embedder. Read the file before first use.

    The file is looked at at most once a second, when a query comes, off the event loop; queries meanwhile use the index
    as it was. A file that has become unusable leaves the last good index in place.
    """

    def __init__(
        self,
        fixed: Sequence[Reference],
        file: Path | None,
        labels: Collection[str],
        settings: IndexSettings,
        embedder: AsyncEmbedder,
        clock: Clock,
    ) -> None:
        """`labels` are those that may occur in the file."""
        self._references = tuple(fixed)
        self._fixed = tuple(fixed)
        self._file = file
        self._labels = labels
        self._settings = settings
        self._embedder = embedder
        self._clock = clock
        self._stamp: tuple[int, int] | None = None
        self._looked_at = clock.monotonic()
        self._index: ReferenceIndex | None = None
        self._work: asyncio.Task[None] | None = None
        self._error: Exception | None = None

    def read(self) -> None:
        """Read the file, blocking. Raises `InvalidReferences`."""
        if self._file is not None:
            self._references = self._read(self._file)

    @property
    def ready(self) -> bool:
        """Whether there is an index, so that nobody has to wait for it."""
        return self._index is not None

    async def current(self) -> ReferenceIndex:
        """The index to use now. The first call waits until it is built; later ones may start a look at the file.

        Raises:
            EmbedderError, UpstreamError: the references could not be embedded; the next call tries again.
        """
        now = self._clock.monotonic()
        if self._index is None:
            # Shielded, so that a query whose time is up does not undo the work for the queries after it.
            self._work = self._work or asyncio.create_task(self._build())
            await asyncio.shield(self._work)
            if self._index is None:
                raise self._error or EmbedderError("the references could not be embedded")
        elif self._file is not None and self._work is None and now - self._looked_at >= _SECONDS_BETWEEN_LOOKS:
            self._looked_at = now
            self._work = asyncio.create_task(self._look(self._file))
        return self._index

    async def settled(self) -> None:
        """Wait for the work that is under way."""
        if self._work is not None:
            await self._work

    async def _build(self) -> None:
        try:
            self._index = await self._indexed(self._references)
        except Exception as error:  # for whoever waits: nobody may, when the query's time is up
            self._error = error
        finally:
            self._work = None

    async def _look(self, file: Path) -> None:
        try:
            references = await asyncio.to_thread(self._read_if_changed, file)
            if references is not None:
                self._index = await self._indexed(references)
                log.info("references.read", file=str(file), references=len(references))
        except InvalidReferences as error:
            log.warning("references.kept", file=str(file), error=str(error))
        except (EmbedderError, UpstreamError) as error:
            self._stamp = None  # read it again at the next look
            log.warning("references.kept", file=str(file), error=str(error))
        except Exception as error:
            self._stamp = None
            report_defect("references", error, file=str(file))
        finally:
            self._work = None

    async def _indexed(self, references: Sequence[Reference]) -> ReferenceIndex:
        """Embed only what is new."""
        known = {}
        if self._index is not None:
            known = {
                reference.text: vector
                for reference, vector in zip(self._index.references, self._index.vectors, strict=True)
            }
        fresh = list(dict.fromkeys(r.text for r in references if r.text not in known))
        if fresh:
            known.update(zip(fresh, await self._embedder.embed(fresh), strict=True))
        vectors: Matrix = np.stack([known[reference.text] for reference in references])
        return ReferenceIndex(
            tuple(references),
            vectors,
            scoring=self._settings.scoring,
            k=self._settings.k,
            thresholds=self._settings.thresholds,
            default_threshold=self._settings.threshold,
        )

    def _read_if_changed(self, file: Path) -> tuple[Reference, ...] | None:
        return None if _stamp(file) == self._stamp else self._read(file)

    def _read(self, file: Path) -> tuple[Reference, ...]:
        self._stamp = _stamp(file)
        try:
            lines = StringIO(read_again(file).decode("utf-8"))
            references = (*self._fixed, *parse_references(lines))
        except (OSError, ValueError) as error:
            raise InvalidReferences(f"{file}: {in_words(error)}") from error
        if not references:
            raise InvalidReferences(f"{file}: there are no references")
        for reference in references:
            if reference.label not in self._labels:
                known = ", ".join(sorted(self._labels))
                raise InvalidReferences(f"{file}: label {reference.label!r} is no model or route; there are {known}")
        return references


def _stamp(file: Path) -> tuple[int, int] | None:
    """Modification time and size; None while there is no file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
