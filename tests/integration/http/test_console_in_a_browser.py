"""The console in a real browser: asked, watched, on a phone, in the dark, by keyboard, and without scripts.

It makes the pictures of docs/console.md: FRONTDESK_PICTURES names the folder that they are to be written to.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from frontdesk_server.artefacts.embedders import load_default
from frontdesk_server.config.loading import default_config_path
from frontdesk_server.learning.evaluation.evaluate import evaluate_pair
from frontdesk_server.learning.evaluation.neighbours import neighbours_of
from frontdesk_server.security import new_key
from playwright.async_api import BrowserContext, Page, ViewportSize, expect
from yaml import safe_load

from tests.browser import browsing, find_chromium
from tests.faces import faces, url_of
from tests.unit.learning.recorded_fixture import recorded_dataset
from tests.upstream import Fault, FaultyUpstream, Script

QUERIES = (
    "What is 2 + 2?",
    "Prove the Riemann hypothesis.",
    "Summarise this email: Hi John, the report is late. Sarah",
    "Fix the bug in this Python function: def f(n): return f(n-1)+f(n-2)",
)
DESK: ViewportSize = {"width": 1080, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
_WATCH = """() => {
  window.seen = [];
  const texts = () => ["decision", "attempts", "answer"].map((id) => document.getElementById(id).textContent.trim());
  const look = new MutationObserver(() => window.seen.push(texts()));
  look.observe(document.getElementById("result"), { subtree: true, childList: true });
}"""
"""Keeps what the page shows of decision, attempts and answer each time that one of them changes."""

_MOST_BYTES = 150_000
_WAIT_MS = 30_000

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return Path(os.environ.get("FRONTDESK_PICTURES", tmp_path)).resolve()


def evaluation(folder: Path) -> bytes:
    """What `frontdesk evaluate` writes of a router that sees, not always, which questions are hard."""
    dataset = recorded_dataset(folder, 600)
    hard = np.array(["awkward" in prompt for prompt in dataset.prompts], dtype=float)
    seen = hard + np.random.default_rng(1).normal(0, 0.3, len(hard))
    nearby = neighbours_of(dataset.select_models(["small-a", "strong"]), load_default(), None, seed=0)
    found = evaluate_pair(dataset, "strong", "small-a", seen, neighbours=nearby, resamples=2)
    return orjson.dumps({**found.result, "drawn": found.document()})


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[str]:
    """The embedded pool with a budget and an evaluation; the console's address."""
    config: dict[str, Any] = safe_load(default_config_path().read_text())
    (folder / "evaluation.json").write_bytes(evaluation(folder))
    for model in config["models"].values():
        model["output_tokens_per_second"] = 2000
    config["ledger"] = {"url": f"sqlite:///{folder}/ledger.db", "flush_ms": 5}
    config["telemetry"] = {"log_level": "error"}
    rules = [
        {"name": "a day's money", "window": "day", "usd": 20},
        {"name": "calls", "window": "hour", "requests": 60},
    ]
    config["limits"] = {"rules": rules, "store": "memory"}
    config["server"] = {"http": {"console": {"evaluation": "evaluation.json"}}}
    async with faces(config, folder) as fronts:
        yield f"{url_of(fronts)}/console"


@asynccontextmanager
async def opened(context: BrowserContext) -> AsyncIterator[Page]:
    """A page of which no script fails and which is refused nothing by its own policy."""
    page = await context.new_page()
    page.set_default_timeout(_WAIT_MS)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    assert said == []


async def is_as_wide_as_its_window(page: Page) -> bool:
    return bool(await page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"))


async def cut_off(page: Page) -> list[str]:
    """What of tables and headings can be seen only by scrolling sideways."""
    wide = """() => [...document.querySelectorAll(".scroll, .top nav, h1, h2, caption")]
        .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth).map((one) => one.textContent)"""
    found: list[str] = await page.evaluate(wide)
    return found


async def picture(page: Page, file: Path) -> None:
    await page.screenshot(path=file, full_page=file.stem.endswith(("phone", "playground")))
    assert file.stat().st_size < _MOST_BYTES


async def judge(context: BrowserContext, address: str) -> None:
    """Report how good every answer was, as an application would."""
    listed = await (await context.request.get(f"{address}/decisions?part=rows")).text()
    report = address.replace("/console", "/frontdesk.v1.RouterService/ReportOutcome")
    for decision_id, quality in zip(re.findall(r"decisions/([0-9A-Z]{26})", listed), (1, 1, 0.5, 1), strict=True):
        reported = await context.request.post(report, data={"decisionId": decision_id, "quality": quality})
        assert reported.ok


async def test_people_ask_and_see_what_became_of_it(tmp_path: Path, pictures: Path) -> None:
    program = find_chromium()
    expect.set_options(timeout=_WAIT_MS)
    async with served(tmp_path) as address, browsing(program) as browser:
        context = await browser.new_context(viewport=DESK, color_scheme="light")
        async with opened(context) as page:
            await page.goto(address)
            await page.evaluate(_WATCH)
            for query in QUERIES:
                await page.locator("#query").fill(query)
                await page.keyboard.press("Control+Enter")
                await expect(page.locator("#settled")).to_contain_text("of the strongest model")
                await expect(page.locator("#result")).to_have_attribute("aria-busy", "false")
                await expect(page.locator("#answer")).to_contain_text("simulated")
                await expect(page.locator("#attempts")).to_contain_text("accepted")
            seen: list[tuple[str, str, str]] = await page.evaluate("() => window.seen")
            assert any("chosen" in decision and not attempts for decision, attempts, _ in seen)
            assert any("answering" in attempts and not answer for _, attempts, answer in seen)
            assert len({answer for _, _, answer in seen}) > len(QUERIES) + 3
            await expect(page.get_by_role("row", name="code-llm chosen")).to_be_visible()
            await picture(page, pictures / "console-playground.png")

            await page.get_by_role("link", name="Everything about this decision").click()
            await expect(page.get_by_role("heading", name="Path")).to_be_visible()
            assert await is_as_wide_as_its_window(page)
            await judge(context, address)
            await page.goto(f"{address}/spending?window=1h")
            await expect(page.locator(".tiles")).to_contain_text("4 judged")
            await expect(page.locator(".plot canvas")).to_be_visible()
            await expect(page.locator("#times")).to_be_hidden()
            await picture(page, pictures / "console-spending.png")
            await page.goto(f"{address}/curve")
            await expect(page.locator(".plot canvas")).to_be_visible()
            legend = page.locator(".u-legend")
            await expect(legend).to_contain_text("neighbours")
            await expect(legend).not_to_contain_text("--")
            borders = "all => all.map((one) => one.style.border).filter((one) => one)"
            drawn: list[str] = await legend.locator(".u-marker").evaluate_all(borders)
            assert len(set(drawn)) == len(drawn) == 6
            await picture(page, pictures / "console-curve.png")
            await page.goto(f"{address}/now")
            await expect(page.get_by_role("row", name="a day's money")).to_be_visible()
        await context.close()

        dark = await browser.new_context(viewport=DESK, color_scheme="dark")
        async with opened(dark) as page:
            await page.goto(f"{address}/decisions")
            rows = page.locator("#rows tr")
            await expect(rows).to_have_count(len(QUERIES))
            asked = await dark.request.post(f"{address}/ask", form={"query": "What is 3 + 3?"})
            assert asked.ok
            await expect(rows).to_have_count(len(QUERIES) + 1)
            await expect(rows.first).to_have_class("fresh")
            await expect(page.locator(".fresh")).to_have_count(0)
            await picture(page, pictures / "console-decisions.png")
        await dark.close()

        phone = await browser.new_context(viewport=PHONE, color_scheme="dark")
        async with opened(phone) as page:
            await page.goto(f"{address}/decisions")
            one = await page.locator("#rows a").first.get_attribute("href")
            assert one is not None
            for path in ("", "/decisions", one.removeprefix("/console"), "/now", "/curve", "/spending"):
                await page.goto(address + path)
                assert await is_as_wide_as_its_window(page), path
                assert await cut_off(page) == [], path
            await expect(page.locator(".plot canvas")).to_be_visible()
            await picture(page, pictures / "console-phone.png")
        await phone.close()


async def test_no_attempt_goes_on_when_its_call_has_failed_or_was_stopped(tmp_path: Path) -> None:
    program = find_chromium()
    expect.set_options(timeout=_WAIT_MS)
    model = {"backend": "up", "upstream_model": "m", "prices": {"input": 1, "output": 1}, "context_window": 10_000}
    async with FaultyUpstream() as upstream:
        config: dict[str, Any] = {
            "server": {"http": {}},
            "backends": {"up": {"kind": "openai", "base_url": upstream.openai_url}},
            "models": {"one": model},
            "routers": {
                "default": {
                    "default_model": "one",
                    "strategy": {"kind": "rules", "rules": [{"name": "all", "model": "one"}]},
                }
            },
            "ledger": {"url": ""},
            "telemetry": {"log_level": "error"},
        }
        async with faces(config, tmp_path) as fronts, browsing(program) as browser:
            page = await (await browser.new_context(viewport=DESK)).new_page()
            await page.goto(f"{url_of(fronts)}/console")
            await page.locator("#query").fill("What is 2 + 2?")
            ask, attempts = page.get_by_role("button", name="Ask"), page.locator("#attempts")

            upstream.script = Script(fault=Fault.STATUS, status=500)
            await ask.click()
            await expect(page.locator("#status")).to_have_text("Failed.")
            await expect(attempts.locator(".state").last).to_have_text("failed")
            await expect(attempts).not_to_contain_text("answering")

            upstream.script = Script(fault=Fault.HANG, after_tokens=2)
            await ask.click()
            await expect(page.locator("#answer")).not_to_be_empty()
            await expect(attempts).to_contain_text("answering")
            await page.get_by_role("button", name="Stop").click()
            await expect(page.locator("#status")).to_have_text("Stopped.")
            await expect(attempts.locator(".state").last).to_have_text("cancelled")
            await expect(attempts).not_to_contain_text("answering")


async def test_pages_read_well_without_scripts(tmp_path: Path) -> None:
    program = find_chromium()
    expect.set_options(timeout=_WAIT_MS)
    async with served(tmp_path) as address, browsing(program) as browser:
        context = await browser.new_context(viewport=DESK, java_script_enabled=False)
        async with opened(context) as page:
            await page.goto(address)
            await page.keyboard.type("What is 2 + 2?")  # the field has the focus
            await page.get_by_role("button", name="Ask").press("Enter")
            await expect(page.locator("#answer")).to_contain_text("simulated")
            await expect(page.locator("#attempts")).to_contain_text("accepted")
            await page.goto(f"{address}/spending")
            await expect(page.locator("#times")).to_be_visible()
            await page.goto(f"{address}/curve")
            await expect(page.locator("#points")).to_be_visible()
        await context.close()


async def test_a_person_signs_in_with_a_key_and_out_again(tmp_path: Path) -> None:
    program = find_chromium()
    expect.set_options(timeout=_WAIT_MS)
    key = new_key()
    config: dict[str, Any] = safe_load(default_config_path().read_text())
    config |= {"ledger": {"url": ""}, "telemetry": {"log_level": "error"}}
    config["security"] = {"keys": [{"caller": "ann", "id": key.id, "sha256": key.sha256}]}
    async with faces(config, tmp_path) as fronts, browsing(program) as browser:
        context = await browser.new_context(viewport=DESK)
        page = await context.new_page()
        await page.goto(f"{url_of(fronts)}/console/now")
        await page.get_by_label("API key or token").fill(key.key)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Now")).to_be_visible()
        (cookie,) = await context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/console")
        await page.get_by_role("link", name="Playground").click()
        await page.locator("#query").fill("What is 2 + 2?")
        await page.get_by_role("button", name="Ask").click()
        await expect(page.locator("#settled")).to_contain_text("strongest model")
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("API key or token")).to_be_visible()
        assert await context.cookies() == []
        await context.close()
