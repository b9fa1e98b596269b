"""The end of the process, which no task or thread holds up: strategies of others may go on, whatever they are told.

Python itself would wait for the last of them. What has not ended a second after it was told to is left behind.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import traceback
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePath
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import uvloop

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["BOUNDED", "Bounded", "serve"]

Result = TypeVar("Result")

_LAST_SECONDS = 1.0
_LOOK_SECONDS = 0.01


def serve(serving: Coroutine[Any, Any, None], log: FilteringBoundLogger, grace_seconds: float) -> None:
    """Run what serves to its end. Where a task of others ends the loop, all is closed within these seconds."""
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    try:
        runner.run(_ending(serving, log))
    except (KeyboardInterrupt, SystemExit) as error:
        if left := _left_by(error, runner, grace_seconds):
            log.warning("server.left_behind", left=left)
            _end(1)
        raise
    finally:
        runner.close()


async def _ending(serving: Coroutine[Any, Any, None], log: FilteringBoundLogger) -> None:
    """Await what serves, and cancel what then still runs. What goes on is named, and the process ends there and then.

    All else must have been closed when `serving` returns.
    """
    threads = _own_threads()
    await serving
    if left := await _left_behind(threads, {threading.main_thread()}):
        log.warning("server.left_behind", left=left)
        _end(0)


class Bounded:
    """Runs work of a command to its end, and then no longer: what goes on stays where it is, in a loop that stands."""

    def __init__(self) -> None:
        self._left: list[str] = []
        self._standing: list[asyncio.Runner] = []

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What the work returns. All else must have been closed by then."""
        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        left: list[str] = []
        try:
            return runner.run(_finished(work, left))
        except (KeyboardInterrupt, SystemExit) as error:
            going_on = _left_by(error, runner, 2 * _LAST_SECONDS)  # of which the work's own end takes one
            left += [each for each in going_on if each not in left]
            raise
        finally:
            if left:  # closing it, or losing it, would wait or complain
                self._left += left
                self._standing.append(runner)
            else:
                runner.close()

    def end(self, code: int) -> None:
        """End the process with this code where something was left behind, and name it; else do nothing."""
        if self._left:
            sys.stderr.write(f"left behind, as it goes on when it is cancelled: {'; '.join(self._left)}\n")
            _end(code)


BOUNDED = Bounded()
"""Of the process, whose end has to know what goes on in it."""


async def _finished(work: Coroutine[Any, Any, Result], left: list[str]) -> Result:
    threads, before = _own_threads(), set(threading.enumerate())
    try:
        return await work
    finally:
        left += await _left_behind(threads, before)


def _left_by(error: BaseException, runner: asyncio.Runner, seconds: float) -> list[str]:
    """Cancel what still runs where a task has ended the loop by this error, and name what goes on after that time."""
    from frontdesk_server.domain.defects import report_defect  # which loads what a probe does not need

    loop = runner.get_loop()
    tasks, ends_at = asyncio.all_tasks(loop), loop.time() + seconds

    def look() -> None:  # no task, which what still runs might cancel
        if loop.time() > ends_at or all(task.done() for task in tasks):
            loop.stop()
        else:
            loop.call_later(_LOOK_SECONDS, look)

    if tasks:
        report_defect("task", error)
        for task in tasks:
            task.cancel()
        loop.call_soon(look)
        loop.run_forever()
    return _running(tasks)


def _own_threads() -> ThreadPoolExecutor:
    threads = ThreadPoolExecutor(thread_name_prefix="frontdesk")
    asyncio.get_running_loop().set_default_executor(threads)
    return threads


async def _left_behind(threads: ThreadPoolExecutor, before: set[threading.Thread]) -> list[str]:
    """Cancel what still runs, and name what has not ended a second later; threads of `before` are others' concern."""
    loop = asyncio.get_running_loop()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    threads.shutdown(wait=False, cancel_futures=True)
    ends_at = loop.time() + _LAST_SECONDS
    while True:
        left = [*_running(tasks), *_working(before)]
        if not left or loop.time() > ends_at:
            return left
        await asyncio.sleep(_LOOK_SECONDS)


def _end(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _running(tasks: set[asyncio.Task[Any]]) -> list[str]:
    return [f"task {task.get_name()}{_place(task.get_stack(limit=1))}" for task in tasks if not task.done()]


def _working(before: set[threading.Thread]) -> list[str]:
    """The threads for which the end of Python would wait."""
    frames = sys._current_frames()
    waited_for = (t for t in threading.enumerate() if not t.daemon and t not in before)
    return [f"thread {t.name}{_place([frames[t.ident]] if t.ident in frames else [])}" for t in waited_for]


def _place(frames: list[FrameType]) -> str:
    """Where it stands; of a task that waits, where it waits."""
    if not frames:
        return ""
    innermost = traceback.extract_stack(frames[-1], limit=1)[-1]
    return f" at {PurePath(innermost.filename).name}:{innermost.lineno} {innermost.name}"
