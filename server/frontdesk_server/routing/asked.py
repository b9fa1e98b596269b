# ruff: noqa: RUF001 - signs of other scripts look like ours
"""Tells what a user asks from what the user brings along or says about it, by form alone and in any language.

Brought along are blocks between code fences, quoted lines, tagged documents, and long blocks beside a short one that
asks. A claim about the question ("this is trivial") is no part of it either.
"""

from __future__ import annotations

import re

from frontdesk_server.domain.scripts import size_of

__all__ = ["asking_sentences", "rambles", "sentences_of", "without_brought_along", "without_fences"]

_SENTENCE_END = re.compile(r"[.!?][)\]\"'»”]*(?=\s)|[。！？]|[:：](?=\s)")

_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_TAGGED = re.compile(r"<(\w{3,20})[^<>]{0,80}>.*?</\1>", re.DOTALL)
_QUOTED_LINES = re.compile(r"(?m)^[ \t]*>.*$")
_BLOCK_END = re.compile(r"\n[ \t]*\n")
_ASKS = re.compile(r"[?？:：]|か。|せよ。|ください。|して。")
_QUESTION = re.compile(r"[?？]\W*$|か。\W*$")
_LONG_BLOCK_CHARACTERS = 400
_SHORT_BLOCK_CHARACTERS = 300
_RAMBLING_BYTES = 140
"""From this length on, a text is taken to say more than it asks."""

_RATING = (
    r"trivial|easy|simple|basic|straightforward|hard|difficult|tricky|complex"
    r"|einfach|leicht|schwer|schwierig|facile|difficile|fácil|sencill|difícil|simples"
    r"|简单|容易|很难|困难|簡単|難し|自明"
)
_CLAIM = re.compile(
    r"\W*(?:(?:note|nb|ps|btw|by the way|hinweis|nota|remarque|注意|注)\W+)?(?:(?:i|we) (?:know|think|believe)\W+)?"
    r"(?:(?:this|it|that|(?:the|this|my) (?:question|task|problem|request))(?:'s|’s| is| should be| must be)"
    r"|(?:das|dies|es|die frage|die aufgabe) ist|c['’]est|(?:ceci|cela|la question) est"
    r"|(?:est[oa] |eso |la pregunta )?es|(?:ist[oa] |isso |a pergunta )?é|这(?:个问题|道题)?|これは|この問題は)"
    r"[^.!?。！？]{0,30}(?:" + _RATING + r")[^.!?。！？]{0,40}[^\w?？]*",
    re.IGNORECASE,
)


def sentences_of(text: str) -> list[str]:
    """The sentences of a text with their signs; a colon before white space ends one, too."""
    return [part for part in _SENTENCE_END.sub("\\g<0>\n", text).split("\n") if part and not part.isspace()]


def without_fences(text: str) -> str:
    """The text with a bare mark in place of each fenced block."""
    return _FENCE.sub("\n```\n", text) if "```" in text else text


def without_brought_along(text: str) -> str:
    """The text without what it brings along; all of it where nothing else would be left.

    A code fence leaves its mark, since that there is code is part of what is asked.
    """
    if "\n" not in text and "```" not in text and "</" not in text:
        return text
    kept = _QUOTED_LINES.sub("", _TAGGED.sub("\n", without_fences(text)))
    blocks = [block for block in _BLOCK_END.split(kept) if block.strip(" \n`")]
    if not blocks:
        return text
    if len(blocks) > 1 and max(map(len, blocks)) > _LONG_BLOCK_CHARACTERS:
        ends = [block for block in (blocks[0], blocks[-1]) if len(block) <= _SHORT_BLOCK_CHARACTERS]
        if asking := [block for block in ends if _ASKS.search(block)] or ends[:1]:
            return "\n".join(asking) + ("\n```" if "```" in kept else "")
    return kept


def rambles(text: str) -> bool:
    """Whether a text is so long that it is taken to say more than it asks."""
    return size_of(text) > _RAMBLING_BYTES


def asking_sentences(text: str, *, rated: bool) -> str:
    """The sentences of a text that ask: all where it is short, the questions where it rambles and has any.

    Claims about the question are left out, which the text may hold where it is `rated`.
    """
    long = rambles(text)
    if not rated and not long:
        return text
    sentences = sentences_of(text)
    if len(sentences) == 1:
        return text
    if rated:
        sentences = [sentence for sentence in sentences if not _CLAIM.fullmatch(sentence)] or sentences
    if long:
        sentences = [sentence for sentence in sentences if _QUESTION.search(sentence)] or sentences
    return " ".join(map(str.strip, sentences))
