"""The console over HTTP: who sees what, what is escaped, and how it reads without scripts."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from frontdesk_server.domain.ids import new_decision_id
from frontdesk_server.ledger.reader import LEDGER_STATUSES
from frontdesk_server.security import NewKey, new_key

from tests.integration.http.test_chat_completions import reached
from tests.upstream import Fault, FaultyUpstream, Script

PAGES = ("", "/decisions", "/spending", "/now", "/curve")
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>"
EVENTS = {"accept": "text/event-stream"}


def kept(folder: Path, **settings: Any) -> dict[str, Any]:
    return {"url": f"sqlite:///{folder}/ledger.db", "flush_ms": 5, **settings}


def key_of(caller: str, key: NewKey, **permissions: Any) -> dict[str, Any]:
    return {"caller": caller, "id": key.id, "sha256": key.sha256, **permissions}


@asynccontextmanager
async def console(
    folder: Path, script: Script | None = None, **parts: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, FaultyUpstream]]:
    """A client of the whole service with a ledger; `console` is that section."""
    section = {"http": {"console": parts.pop("console", {})}}
    parts = {"server": section, "ledger": kept(folder)} | parts
    async with reached(folder, script, **parts) as running:
        yield running


async def signed_in(client: httpx.AsyncClient, key: NewKey) -> None:
    client.cookies.clear()
    response = await client.post("/console/sign-in", data={"key": key.key, "next": "/console/decisions"})
    assert (response.status_code, response.headers["location"]) == (303, "/console/decisions")


async def ask(client: httpx.AsyncClient, query: str = "What is 2 + 2?", **fields: str) -> str:
    """Ask without a script; the id of the decision."""
    response = await client.post("/console/ask", data={"query": query, **fields})
    assert response.status_code == 200, response.text
    (found,) = set(re.findall(r"/console/decisions/([0-9A-Z]{26})", response.text))
    return str(found)


async def settled(client: httpx.AsyncClient, decision_id: str) -> str:
    """The decision's page, as soon as the ledger has the whole of it."""
    for _ in range(200):
        page = await client.get(f"/console/decisions/{decision_id}")
        if "Attempts" in page.text:
            break
        await asyncio.sleep(0.02)
    assert page.status_code == 200
    return page.text


def events_of(text: str) -> list[tuple[str, Any]]:
    pairs = re.findall(r"event: (\w+)\ndata: (.*)\n\n", text)
    return [(name, json.loads(data)) for name, data in pairs]


async def test_every_page_is_served_to_this_machine_and_protected(tmp_path: Path) -> None:
    async with console(tmp_path) as (client, _):
        pages = [await client.get(f"/console{path}") for path in PAGES]
        pages.append(await client.get("/console/nowhere"))
        stream = await client.post("/console/ask", data={"query": "Hello"}, headers=EVENTS)
        asset = re.search(r"/console/static/console.css\?\w+", pages[0].text)
        assert asset is not None
        style = await client.get(asset[0])
    assert [page.status_code for page in pages] == [200] * len(PAGES) + [404]
    for page in (*pages, stream):
        policy = page.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["x-content-type-options"] == "nosniff"
    for page in pages:
        assert page.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?! (type=\"module\"|defer) src=)|\son\w+=|\sstyle=", page.text)
    assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in style.headers["cache-control"]


async def test_heads_of_pages_are_those_that_get_has(tmp_path: Path) -> None:
    async with console(tmp_path) as (client, _):
        for path in ("/console", "/console/now", "/console/nowhere", "/console/", "/v1/models", "/healthz", "/"):
            whole, head = await client.get(path), await client.head(path)
            assert (head.status_code, head.content) == (whole.status_code, b"")
            assert head.headers["content-type"] == whole.headers["content-type"]
            same_size = {head.headers["content-length"], whole.headers["content-length"]}
            assert len(same_size) == 1 or path == "/console/now"  # which tells the time
        posted = await client.head("/v1/chat/completions")
    assert (posted.status_code, posted.headers["allow"], posted.content) == (405, "POST", b"")


async def test_a_browser_that_asks_for_nothing_is_led_there(tmp_path: Path) -> None:
    async with console(tmp_path) as (client, _):
        browser = await client.get("/", headers={"accept": "text/html,*/*;q=0.8"})
        slash = await client.get("/console/")
        probe = await client.get("/")
    for led in (browser, slash):
        assert (led.status_code, led.headers["location"]) == (303, "/console")
    assert probe.status_code == 404


async def test_other_machines_and_other_names_of_this_one_are_refused(tmp_path: Path) -> None:
    async with console(tmp_path) as (client, _):
        rebound = await client.get("/console", headers={"host": "attacker.example:8080"})
        proxied = await client.get("/console", headers={"x-forwarded-for": "203.0.113.7"})
    for refused in (rebound, proxied):
        assert (refused.status_code, refused.headers["x-frontdesk-error"]) == (403, "PERMISSION_DENIED")
        assert "to this machine alone" in refused.text


async def test_other_sites_cannot_ask(tmp_path: Path) -> None:
    async with console(tmp_path) as (client, upstream):
        for headers in ({"origin": "https://attacker.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
            refused = await client.post("/console/ask", data={"query": "Spend!"}, headers=headers)
            assert refused.status_code == 403
        asked = len(upstream.requests)
        own = await client.post("/console/ask", data={"query": "Hello"}, headers={"sec-fetch-site": "same-origin"})
    assert (asked, own.status_code) == (0, 200)


async def test_a_key_is_asked_for_tried_and_kept_for_the_console_alone(tmp_path: Path) -> None:
    key = new_key()
    async with console(tmp_path, security={"keys": [key_of("ours", key)]}) as (client, _):
        unknown = await client.get("/console/spending")
        wrong = await client.post("/console/sign-in", data={"key": new_key().key})
        broken = await client.post("/console/sign-in", data={"key": "a b; c"})
        right = await client.post("/console/sign-in", data={"key": key.key, "next": "https://attacker.example"})
        page = await client.get("/console/spending")
        elsewhere = await client.get("/v1/models", headers={"cookie": f"frontdesk_console={key.key}"})
        async with httpx.AsyncClient(base_url=client.base_url) as other:
            by_header = await other.get("/console", headers={"authorization": f"Bearer {key.key}"})
        left = await client.post("/console/sign-out")
        after = await client.get("/console/spending")
    assert (unknown.status_code, unknown.headers["www-authenticate"]) == (401, 'Bearer realm="frontdesk"')
    assert 'name="next" value="/console/spending"' in unknown.text
    assert [wrong.status_code, broken.status_code] == [401, 401]
    assert (right.status_code, right.headers["location"]) == (303, "/console")
    cookie = right.headers["set-cookie"]
    assert cookie == f"frontdesk_console={key.key}; Path=/console; HttpOnly; SameSite=Strict"
    assert (page.status_code, elsewhere.status_code, by_header.status_code) == (200, 401, 200)
    assert ">ours<" in page.text
    assert key.key not in page.text
    assert (left.status_code, "Max-Age=0" in left.headers["set-cookie"], after.status_code) == (303, True, 401)


async def test_what_is_not_ours_is_escaped_on_every_page(tmp_path: Path) -> None:
    name = "a<b>&\"model'"
    script = Script(tokens=(HOSTILE,))
    models = {"models": {name: {"backend": "upstream", "prices": {"input": 1, "output": 2}}}}
    routers = {"default": {"default_model": name, "strategy": {"kind": "model", "model": name}}}
    parts = {**models, "routers": {**routers, HOSTILE: routers["default"]}}
    async with console(tmp_path, script, ledger=kept(tmp_path, store_prompts=True), **parts) as (client, _):
        answered = await client.post("/console/ask", data={"query": HOSTILE, "router": HOSTILE})
        stream = await client.post("/console/ask", data={"query": HOSTILE}, headers=EVENTS)
        decision_id = await ask(client, HOSTILE, router=HOSTILE)
        texts = [answered.text, await settled(client, decision_id)]
        texts += [(await client.get(f"/console{path}")).text for path in PAGES]
        texts.append((await client.get("/console/decisions?part=rows")).text)
        texts.append((await client.get("/console/decisions", params={"model": HOSTILE})).text)
        texts.append((await client.get(f"/console/{HOSTILE}")).text)
        failed = await client.post("/console/ask", data={"query": HOSTILE, "model": HOSTILE})
    assert failed.status_code == 404
    for event, data in events_of(stream.text):
        if event not in ("text", "reasoning"):  # which the script puts into the page as text
            texts.append(data.get("html", ""))
    for text in (*texts, failed.text):
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "<b>" not in text
    assert "&lt;script&gt;alert" in texts[1]


async def test_the_form_alone_shows_the_finished_answer_and_keeps_what_was_asked(tmp_path: Path) -> None:
    async with console(tmp_path) as (client, _):
        response = await client.post(
            "/console/ask", data={"query": "What is 2 + 2?", "model": "mid", "quality_floor": "0.2"}
        )
    assert response.status_code == 200
    text = response.text
    assert ">The answer is four.</pre>" in text
    assert ">What is 2 + 2?</textarea>" in text
    assert '<option value="mid" selected>' in text
    assert "not allowed" in text
    assert "$0.00002" in text


async def test_what_goes_wrong_is_told_where_the_answer_would_be(tmp_path: Path) -> None:
    async with console(tmp_path, Script(Fault.STATUS, status=500)) as (client, _):
        empty = await client.post("/console/ask", data={"query": "  "})
        strange = await client.post("/console/ask", data={"query": "Hi", "quality_floor": "high"})
        unknown = await client.post("/console/ask", data={"query": "Hi", "router": "nobody's"})
        failed = await client.post("/console/ask", data={"query": "Hi", "model": "small"})
        streamed = await client.post("/console/ask", data={"query": "Hi", "model": "small"}, headers=EVENTS)
        refused = await client.post("/console/ask", data={"query": ""}, headers=EVENTS)
    assert [empty.status_code, strange.status_code, unknown.status_code] == [400, 400, 404]
    assert "quality_floor: " in strange.text
    assert failed.status_code == 503
    for page in (empty, strange, unknown, failed):
        assert 'role="alert"' in page.text
        assert "<textarea" in page.text
    assert "UPSTREAM_FAILED" in failed.text
    assert "Attempts" in failed.text
    assert [name for name, _ in events_of(streamed.text)][-1] == "failed"
    assert (refused.status_code, [name for name, _ in events_of(refused.text)]) == (400, ["failed"])


async def test_a_stream_tells_decision_attempts_answer_and_cost_as_they_come(tmp_path: Path) -> None:
    async with console(tmp_path) as (client, upstream):
        upstream.enqueue(Script(Fault.STATUS, status=500))
        response = await client.post("/console/ask", data={"query": "What is 2 + 2?"}, headers=EVENTS)
    events = events_of(response.text)
    names = [name for name, _ in events]
    assert names[:2] == ["decided", "attempts"]
    assert names[-2:] == ["attempts", "completed"]
    assert names.index("restarted") < names.index("text")
    assert "".join(data["text"] for name, data in events if name == "text") == "The answer is four."
    attempts = [data["html"] for name, data in events if name == "attempts"]
    assert "answering" in attempts[0]
    assert attempts[-1].count("<li>") == 2
    assert "failed" in attempts[-1]
    assert "$0.0000216" in events[-1][1]["html"] or "$0.000022" in events[-1][1]["html"]


async def test_callers_see_their_own_and_operators_everything(tmp_path: Path) -> None:
    ann, bob, ops = new_key(), new_key(), new_key()
    keys = [key_of("ann", ann, models=["small"]), key_of("bob", bob), key_of("ops", ops)]
    rules = [
        {"name": "each", "per": ["caller"], "window": "month", "usd": 1},
        {"name": "all", "window": "month", "requests": 10},
    ]
    limits = {"rules": rules, "store": "memory"}
    parts: dict[str, Any] = {"security": {"keys": keys}, "limits": limits, "console": {"operators": ["ops"]}}
    async with console(tmp_path, **parts) as (client, _):
        await signed_in(client, ann)
        decision_id = await ask(client)
        await settled(client, decision_id)
        now = (await client.get("/console/now")).text
        await signed_in(client, bob)
        hidden = await client.get(f"/console/decisions/{decision_id}")
        nothing = await client.get(f"/console/decisions/{new_decision_id()}")
        listed = [(await client.get(f"/console/decisions?{query}")).text for query in ("", "caller=ann")]
        spent = (await client.get("/console/spending")).text
        await signed_in(client, ops)
        shown = await client.get(f"/console/decisions/{decision_id}")
        all_listed = (await client.get("/console/decisions")).text
        all_spent = (await client.get("/console/spending")).text
        budgets = (await client.get("/console/now")).text
    assert "mid" not in re.findall(r'<th scope="row">(\w+)', now)
    assert ("each" in now, ">all<" in now) == (True, False)
    assert ("completions that run" in now, "completions that run" in budgets) == (False, True)
    assert (hidden.status_code, nothing.status_code) == (404, 404)
    assert re.sub(r"[0-9A-Z]{26}", "", hidden.text) == re.sub(r"[0-9A-Z]{26}", "", nothing.text)
    assert decision_id not in "".join(listed)
    assert ">ann<" not in spent
    assert (shown.status_code, decision_id in all_listed) == (200, True)
    assert ">ann<" in all_spent
    counted = re.findall(r'<th scope="row">(each|all)<.*?<td data-of="counts">([\w ]+)</td>', budgets, re.DOTALL)
    assert counted == [("each", "ann"), ("each", "bob"), ("each", "ops"), ("all", "all together")]


@pytest.mark.parametrize("stores", [False, True])
async def test_content_is_shown_only_where_it_is_kept(stores: bool, tmp_path: Path) -> None:
    secret = "my number is 555-0100"
    ledger = kept(tmp_path, store_prompts=stores, redact=[r"\d{3}-\d{4}"], flush_ms=200)
    async with console(tmp_path, ledger=ledger) as (client, _):
        decision_id = await ask(client, secret)
        early = await client.get(f"/console/decisions/{decision_id}")
        late = await settled(client, decision_id)
    assert early.status_code == 200
    for text in (early.text, late):
        assert "555-0100" not in text
        assert ("my number is" in text) == stores
    assert ("The answer is four." in late) == stores


async def test_bad_input_is_refused_as_elsewhere(tmp_path: Path) -> None:
    server = {"http": {}, "max_message_bytes": 4096}
    async with console(tmp_path, server=server) as (client, _):
        addresses = {
            "decisions/no-id": 400,
            f"decisions/{new_decision_id()}": 404,
            "decisions/": 404,
            "decisions?window=9y": 400,
            "decisions?before=x'%20OR%201=1": 400,
            "decisions?status=strange": 400,
            "decisions?since=1h": 400,
            "spending?since=1h": 400,
            f"decisions?caller={'x' * 200}": 400,
            "spending?window=": 400,
            "spending?" + "&".join(f"f{n}=1" for n in range(40)): 400,
            "decisions?model=%ff": 400,
            "static/../console.py": 404,
            "static/%2e%2e/%2e%2e/views.py": 404,
        }
        statuses = {path: (await client.get(f"/console/{path}")).status_code for path in addresses}
        huge = await client.post("/console/ask", data={"query": "x" * 5000})
        huge_key = await client.post("/console/sign-in", data={"key": "x" * 50_000})
        raw = await client.post("/console/ask", content=b"\xff\xfe", headers={"content-type": "text/plain"})
        put = await client.put("/console")
    assert statuses == addresses
    assert (huge.status_code, huge_key.status_code, raw.status_code, put.status_code) == (413, 413, 400, 404)


async def test_every_status_of_the_ledger_is_a_choice_and_counted(tmp_path: Path) -> None:
    async with console(tmp_path, Script(Fault.HANG_BEFORE_HEADERS)) as (client, _):
        body = {"model": "default", "messages": [{"role": "user", "content": "Hi"}]}
        late = await client.post("/v1/chat/completions", json=body, headers={"x-frontdesk-timeout-ms": "300"})
        await settled(client, late.headers["x-frontdesk-decision-id"])
        pages = {one: (await client.get(f"/console/decisions?part=rows&status={one}")).text for one in LEDGER_STATUSES}
        choices = (await client.get("/console/decisions")).text
        spent = (await client.get("/console/spending")).text
    assert late.status_code == 504
    assert [one for one, page in pages.items() if "decisions/" in page] == ["deadline"]
    assert all(f'<option value="{one}">' in choices for one in LEDGER_STATUSES)
    assert "0 failed, 1 deadline, 0 cancelled, 0 routed" in spent


async def test_the_list_goes_back_page_by_page(tmp_path: Path) -> None:
    async with console(tmp_path) as (client, _):
        asked = [await ask(client) for _ in range(3)]
        await settled(client, asked[-1])
        page = (await client.get(f"/console/decisions?before={asked[-1]}&window=1h")).text
    assert re.findall(r"decisions/([0-9A-Z]{26})", page) == asked[-2::-1]


async def test_without_a_ledger_pages_say_so(tmp_path: Path) -> None:
    async with console(tmp_path, ledger={"url": ""}) as (client, _):
        pages = [await client.get(f"/console/{path}") for path in ("decisions", "spending")]
        asked = await client.post("/console/ask", data={"query": "Hello"})
        one = await client.get(f"/console/decisions/{new_decision_id()}")
    assert all("keeps no ledger" in page.text for page in pages)
    assert (asked.status_code, "/console/decisions/0" in asked.text, one.status_code) == (200, False, 404)


async def test_a_console_can_be_left_out(tmp_path: Path) -> None:
    async with console(tmp_path, console=None) as (client, _):
        response = await client.get("/console")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "NO_SUCH_PATH")


async def test_an_evaluation_is_drawn_for_whom_its_models_are(tmp_path: Path) -> None:
    points = {"small": [0, 0.5], "mid": [1, 0.9], "router default": [0.6, 0.8]}
    drawn = {"axis": "cost", "curves": {"router": [[0, 1], [0.5, 0.9]]}, "points": points}
    router = {"cost": {"value": 626_800.0}, "cost_saved": {"value": 0.582}, "cpt20": {"value": None, "ci95": None}}
    rivals = {"random": {"cost": {"value": 3e5}}, "neighbours": {"cpt20": {"value": None}}}
    figures = {"router": router, "baselines": rivals, "models": {"small": {}, "mid": {}}}
    file = tmp_path / "evaluation.json"
    file.write_text(json.dumps({**figures, "queries": 12, "drawn": {**drawn, "verdicts": ["Routing adds nothing."]}}))
    key = new_key()
    security = {"keys": [key_of("ours", key, models=["small"])]}
    parts: dict[str, Any] = {"security": security, "console": {"evaluation": "evaluation.json"}}
    async with console(tmp_path, **parts) as (client, _):
        await signed_in(client, key)
        page = (await client.get("/console/curve")).text
        file.write_text("{}")
        broken = await client.get("/console/curve")
        file.unlink()
        missing = await client.get("/console/curve")
    assert re.findall(r'<th scope="row">([\w ]+)</th>', page) == ["router default", "small", "router", "router"]
    assert 'data-value="0.9"' in page
    assert re.findall(r'<th scope="row">([^<]+)<small>', page) == ["USD per 1,000 queries", "cost saved"]
    assert re.findall(r'<td class="n" data-of="(.*?)">(.*?)</td>', page) == [
        ("router", "$0.627"), ("random", "$0.300"), ("router", "58.2%"), ("random", "-"),
    ]  # fmt: skip
    assert "Routing adds nothing." in page
    assert "frontdesk export" not in missing.text  # whose rows `evaluate` refuses
    for told in (broken, missing):
        assert (told.status_code, "evaluation.json" in told.text, "frontdesk evaluate" in told.text) == (
            200,
            True,
            True,
        )
