"""A real Chromium, driven headless: Debian's own, which no package index carries."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_START_MS = 60_000


def find_chromium() -> str:
    """The program; a test is skipped where there is none, and fails where CI promises it."""
    found = next((program for name in _NAMES if (program := shutil.which(name)) is not None), None)
    if found is not None:
        return found
    reason = "no Chromium is installed (Debian: apt-get install chromium)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@asynccontextmanager
async def browsing(program: str) -> AsyncIterator[Browser]:
    """Start it, and end it afterwards. Root, as whom CI runs, has no sandbox."""
    async with async_playwright() as playwright:
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        arguments = [*sandbox, "--disable-gpu", "--disable-dev-shm-usage"]
        browser = await playwright.chromium.launch(executable_path=program, args=arguments, timeout=_START_MS)
        try:
            yield browser
        finally:
            await browser.close()
