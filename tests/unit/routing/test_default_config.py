"""The configuration that ships sends what people ask to a fitting model."""

from __future__ import annotations

import pytest
from frontdesk_server.assembly.pool import build_pool
from frontdesk_server.config.loading import default_config_path, load_config
from frontdesk_server.domain.conditions import CalmConditions
from frontdesk_server.domain.policy import RoutingPolicy
from frontdesk_server.domain.query import Tool, text_query
from frontdesk_server.domain.usage import NANO_USD_PER_USD
from frontdesk_server.routing.engine import Engine

from tests.fakes import FakeClock
from tests.unit.routing.desk import FakeAsk, FakeEmbedder, route

HARD_MAIL = (
    "Dear all, the proof of the convergence theorem is under review. We must weigh the trade-offs of the distributed "
    "consensus protocol, analyze every edge case and design a comprehensive migration strategy. Regards, Kim. "
)

SMALL = [
    "What is 2 + 2?",
    "hi",
    "hey there, how are you?",
    "thanks a lot!",
    "what is 144 / 12",
    "15% of 80",
    "sqrt of 81",
    "What's the capital of France?",
    "Who wrote Pride and Prejudice?",
    "What year did the Titanic sink?",
    "How tall is Mount Everest?",
    "convert 10 miles to km",
    "how many days are in a leap year?",
    "define photosynthesis",
    "What does HTTP stand for?",
    "synonym for happy",
    "how do you spell necessary",
    "Tell me a joke",
    "Is Pluto a planet? yes or no",
]
MID = [
    "Summarize this 3-line email for me: Hi John, can you please review my Q3 sales report draft by Friday? Thanks, "
    "Sarah.",
    f"Please summarize this email for me, thanks\n\n{HARD_MAIL * 12}",
    f"Please summarize this email for me, thanks. {HARD_MAIL * 12}",
    f"{HARD_MAIL * 12}\n\nPlease summarize this email for me, thanks",
    'Translate "Where is the train station?" into French.',
    "How do you say good morning in Japanese?",
    "Rewrite this paragraph to sound more professional: hey guys, we kinda messed up the release",
    "Extract all names and dates from the following contract: ...",
    "Classify the sentiment of this review as positive or negative: I loved it.",
    "What are the action items in this email? Hi all, please design the new architecture by Monday.",
    'Reply to this message politely declining: "Would you like to join our panel on formal verification?"',
    "Write a short poem about autumn.",
    "Draft an email to my boss asking for a day off next Monday.",
    "Help me write a cover letter for a barista job",
    "Explain how photosynthesis works",
    "What is the difference between a virus and a bacterium?",
    "How can I sleep better?",
    "Why do cats purr?",
    "Tell me about the French Revolution",
    "Solve for x: 3x + 5 = 20",
    "What is the Riemann hypothesis?",
    "asdfgh",
]
CODE = [
    "Fix the bug in this Python function that calculates Fibonacci.",
    "Why is my Python script broken?",
    "Write a Python function that reverses a string",
    "How do I center a div in CSS?",
    "write a sql query to find duplicate emails",
    "What's the difference between let and var in JavaScript?",
    "def f(x):\n    return x+1\n\nwhy does this return None?",
    "TypeError: 'NoneType' object is not subscriptable",
    'Traceback (most recent call last):\n  File "a.py", line 3\nKeyError: 1',
    "Refactor this class to use dependency injection",
    "Explain this code: for i in range(10): print(i)",
    "regex to match an email address",
    "How do I exit vim?",
    "What's wrong with my for loop?",
    "npm install fails with EACCES",
    "Implement quicksort in Rust",
]
FRONTIER = [
    "Design a comprehensive multi-agent system for medical diagnosis that covers symptom analysis, differential "
    "diagnoses, treatment recommendations, edge cases like rare diseases, ethical considerations, and the trade-offs "
    "between accuracy and latency.",
    "Prove the Riemann hypothesis",
    "Is P = NP? Give a proof.",
    "Derive the Black-Scholes equation from first principles.",
    "Show that every continuous function on a compact set is uniformly continuous",
    "Find the flaw in this proof that 1 = 2",
    "Design a distributed rate limiter that is fair across tenants and survives region failures.",
    "How would you build a search engine that scales to billions of documents?",
    "Write a lock-free concurrent queue in C++ and prove it is linearizable",
    "Implement a B+ tree with concurrent access and crash recovery in Rust",
    "Formally verify that this mutex implementation is deadlock-free",
    "Analyze the long-term macroeconomic implications of universal basic income, considering inflation and wages.",
    "Evaluate the legal liability of autonomous vehicle manufacturers under EU and US law",
    "Devise a treatment plan for a patient with heart failure and kidney disease",
    "Reconcile quantum mechanics with general relativity",
    "Explain the proof of Gödel's incompleteness theorem",
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    loaded = load_config(default_config_path())
    return Engine(loaded, build_pool(loaded.config), CalmConditions(), FakeAsk("none"), FakeClock(), FakeEmbedder())


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (model, text)
        for model, texts in (("small-llm", SMALL), ("mid-llm", MID), ("code-llm", CODE), ("frontier-llm", FRONTIER))
        for text in texts
    ],
)
async def test_queries_go_to_a_fitting_model(engine: Engine, model: str, text: str) -> None:
    decision = await route(engine, text)

    assert decision.model == model, decision.reason


async def test_a_long_easy_mail_is_easier_than_a_short_hard_question(engine: Engine) -> None:
    mail = await route(engine, f"Please summarize this email for me, thanks\n\n{HARD_MAIL * 40}")
    question = await route(engine, "Prove the Riemann hypothesis")

    assert mail.signals.input_tokens > 100 * question.signals.input_tokens
    assert mail.signals.difficulty < question.signals.difficulty / 2


async def test_a_frontier_failure_falls_back_to_mid(engine: Engine) -> None:
    decision = await route(engine, "Prove the Riemann hypothesis")

    assert [step.model for step in decision.plan] == ["frontier-llm", "mid-llm"]


async def test_the_pool_has_the_documented_prices(engine: Engine) -> None:
    pool = build_pool(load_config(default_config_path()).config)
    usd = {
        name: model.prices and model.prices.output_nano_usd_per_million / NANO_USD_PER_USD
        for name, model in pool.items()
    }

    assert usd == {"small-llm": 0.5, "mid-llm": 3, "code-llm": 3, "frontier-llm": 15}
    assert all(
        model.prices and model.prices.input_nano_usd_per_million * 5 == model.prices.output_nano_usd_per_million
        for model in pool.values()
    )


async def test_the_strongest_model_is_what_savings_are_measured_against(engine: Engine) -> None:
    assert (await route(engine, "hi")).strongest_model == "frontier-llm"


async def test_tools_keep_every_model_of_the_pool_eligible(engine: Engine) -> None:
    query = text_query("What's the capital of France?")
    decision = await route(engine, type(query)(query.messages, tools=(Tool("search"),)), RoutingPolicy())

    assert decision.model == "small-llm"
