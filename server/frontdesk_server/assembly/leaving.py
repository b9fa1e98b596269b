"""The end of the process, which no task or thread holds up: strategies of others may go on, whatever they are told."""

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
from typing import Any

from structlog.typing import FilteringBoundLogger

_LAST_SECONDS = 1.0
_LOOK_SECONDS = 0.01


async def ending(serving: Coroutine[Any, Any, None], log: FilteringBoundLogger) -> None:
    """Await what serves, and cancel what then still runs. What has not ended a second later is named, and left behind.

    The process ends there and then: Python itself would wait for the last task and thread. All else must have been
    closed when `serving` returns.
    """
    loop = asyncio.get_running_loop()
    threads = ThreadPoolExecutor(thread_name_prefix="frontdesk")
    loop.set_default_executor(threads)
    await serving
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    threads.shutdown(wait=False, cancel_futures=True)
    ends_at = loop.time() + _LAST_SECONDS
    while left := [*_running(tasks), *_working()]:
        if loop.time() > ends_at:
            log.warning("server.left_behind", left=left)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
        await asyncio.sleep(_LOOK_SECONDS)


def _running(tasks: set[asyncio.Task[Any]]) -> list[str]:
    return [f"task {task.get_name()}{_place(task.get_stack(limit=1))}" for task in tasks if not task.done()]


def _working() -> list[str]:
    """The threads for which the end of Python would wait."""
    frames = sys._current_frames()
    waited_for = (t for t in threading.enumerate() if not t.daemon and t is not threading.main_thread())
    return [f"thread {t.name}{_place([frames[t.ident]] if t.ident in frames else [])}" for t in waited_for]


def _place(frames: list[FrameType]) -> str:
    """Where it stands; of a task that waits, where it waits."""
    if not frames:
        return ""
    innermost = traceback.extract_stack(frames[-1], limit=1)[-1]
    return f" at {PurePath(innermost.filename).name}:{innermost.lineno} {innermost.name}"
