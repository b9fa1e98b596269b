"""How commands show on a terminal that they work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

_Item = TypeVar("_Item")


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal while the work goes on; the function is told of the steps that are done."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda steps: progress.advance(task, steps)


def told(items: Iterable[_Item], advance: Callable[[int], None]) -> Iterator[_Item]:
    """Pass items on, each of them a step that is done."""
    for item in items:
        yield item
        advance(1)
