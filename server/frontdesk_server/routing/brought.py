# ruff: noqa: RUF001 - signs of other scripts look like ours
"""Sets apart what a message brings along from what its writer says, by form alone and in any language.

Brought along are code between fences, quoted lines, tagged documents, blocks between rules, what stands under a label
such as "Context:", and long blocks beside a short one that asks. Of a prompt's template the question is left, of a
letter what stands above its closing.
"""

from __future__ import annotations

import re

from frontdesk_server.domain.scripts import size_of
from frontdesk_server.domain.value import value

__all__ = ["Message", "points", "points_at_something", "set_apart"]

_LONG_BLOCK_CHARACTERS = 400
_SHORT_BLOCK_CHARACTERS = 300
_FEW_BYTES = 16
"""Who says no more than this beside something speaks of it."""

_ASKS, _ANSWERS, _BRINGS, _ENDS = "asks", "answers", "brings", "ends"
_ROLES = {
    name: role
    for role, names in {
        _ASKS: "question query user human instruction instructions task prompt request q [inst] <</sys>> frage aufgabe"
        " pregunta pergunta consigne 问题 用户 質問 ユーザー",
        _ANSWERS: "answer response assistant model a [/inst] antwort réponse respuesta resposta 回答 答案 答え",
        _BRINGS: "context document text article passage abstract email transcript system <<sys>> kontext contexte"
        " contexto texte texto 上下文 文本",
        _ENDS: "im_end eot_id eom_id end endoftext begin_of_text <end_of_turn>",
    }.items()
    for name in names.split()
} | {"helpful answer": _ANSWERS, "your answer": _ANSWERS, "final answer": _ANSWERS}
_SPECIAL = re.compile(
    r"<\|(?:im_start|start_header_id)\|>\s*(\w+)(?:<\|end_header_id\|>)?|<\|(\w+)\|>|<start_of_turn>\s*(\w+)"
    r"|(\[/?INST\]|<</?SYS>>|<end_of_turn>)"
)
"""What chat models are prompted with: each becomes a heading."""
_HEADING = re.compile(
    r"\n[ \t]*(?:#+[ \t]*([^\n:：#]{1,20}?)[ \t]*[:：]?[ \t]*(?=\n)|\**([^\W\d_a-z][^\n:：*]{0,18}?)\**[ \t]?[:：]\**)"
)
_ASKING_TAG = re.compile(r"<(question|query|instructions?|task|prompt|request|user\w*)>(.*?)</\1>", re.DOTALL | re.I)
_TAGGED = re.compile(r"<(\w{3,20})[^<>]{0,80}>(.*?)</\1>", re.DOTALL)
_FENCE = re.compile(r"(```.*?(?:```|\Z))", re.DOTALL)
_BARE_FENCE = re.compile(r"```[ \t]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_NAMED_FENCE = re.compile(r"```\w+[ \t]*\n")
_RULES = ("---", "===", "***", "___", "~~~", '"""', "'''")
_BETWEEN_RULES = re.compile(
    rf"(?:\A|(?<=\n)[ \t]*\n)[ \t]*({'|'.join(map(re.escape, _RULES))})[-=*_~]*[ \t]*\n"
    r"(.*?)\n?[ \t]*\1[-=*_~]*[ \t]*(?=\n|\Z)",
    re.DOTALL,
)
_QUOTED_LINE = re.compile(r"^[ \t]*>(?!>>)[ \t]?(.*)$", re.MULTILINE)
_CLOSING = re.compile(
    r"\n[ \t]*(?:--|(?:kind(?:est)?|best|warm(?:est)?|many) (?:regards|wishes)|regards|best|cheers|sincerely"
    r"|yours\b.{0,12}|(?:many )?thanks|mit (?:freundlichen|besten|herzlichen|lieben) grüßen|(?:viele|liebe|beste) grüße"
    r"|mfg|(?:bien )?cordialement|(?:un )?(?:cordial )?saludos?(?: cordial(?:es)?)?|atentamente|atenciosamente"
    r"|(?:melhores )?cumprimentos|此致|敬具)[ \t]*[,.!，。！]?[ \t]*(?:\n[ \t]*\S[^\n]{0,90}){1,6}\s*\Z",
    re.IGNORECASE,
)
_BLOCK_END = re.compile(r"\n[ \t]*\n")
_ASKING_BLOCK = re.compile(r"[?？:：]|か。|せよ。|ください。|して。")
_POINTS = re.compile(
    r"\b(?:this|these|its?|here|above|below|following|attached|dies\w*|hier|oben|unten|folgend\w*|dar(?:an|in|aus)"
    r"|cett?e?|ces|ceci|ça|cela|ici|ci-dess\w+|est[aeo]s?|aquí|arriba|abajo|siguiente|ist?o|isso|ess[ae]s?|aqui|acima"
    r"|abaixo|seguinte|n?d?est[ae])\b|这|此|上面|下面|以下|上述|この|これ|ここ|上の|下の|次の|上記",
    re.IGNORECASE,
)
_POINTS_INTO_CODE = re.compile(
    r"\b(?:code|snippet|loop|branch|line|function|variable|argument|output|error|bug|test|schleife|zeile|funktion"
    r"|fehler\w*|ausgabe|boucle|ligne|fonction|erreur|sortie|bucle|línea|función|salida|laço|linha|função|erro|saída)\b"
    r"|哪里错|循环|函数|变量|报错|出错|ループ|関数|変数|エラー|出力",
    re.IGNORECASE,
)


@value
class Message:
    """A message, with what it brings along set apart."""

    own: str
    """What its writer says."""
    around: str
    """That with the long blocks beside it."""
    brought: str = ""
    """What is brought along in a form of its own."""

    @property
    def code(self) -> str:
        """A mark for code between fences, if any is brought along."""
        return "\n```" if "```" in self.brought else ""

    @property
    def beside(self) -> str:
        """What a writer speaks of who says nothing but "what do you think?"."""
        return _BARE_FENCE.sub(_unfenced, self.brought) if self.brought else self.around


def set_apart(text: str) -> Message:
    """Set apart what a text brings along; where it says nothing else, that is what it says."""
    if "\n" not in text and "```" not in text and "<" not in text and "[INST]" not in text:
        return Message(text, text)
    brought: list[str] = []
    around = _of_template(_ASKING_TAG.sub(r"\n\2\n", text), brought)
    for form in (_TAGGED, _FENCE, _QUOTED_LINE):
        around = _without(form, around, brought)
    if any(rule in around for rule in _RULES):
        around = _without(_BETWEEN_RULES, around, brought)
    around = _CLOSING.sub("", around)
    if not around.strip():
        told = _BARE_FENCE.sub(_unfenced, _QUOTED_LINE.sub(r"\1", text))
        return Message(told, told)
    return Message(_short_one_of(around), around, "\n".join(brought))


def points_at_something(own: str) -> bool:
    """Whether who says so speaks of what stands beside it."""
    return size_of(own.strip()) <= _FEW_BYTES or points(own) or _POINTS_INTO_CODE.search(own) is not None


def points(text: str) -> bool:
    """Whether a text has a word for what stands beside it, such as "this" or "below"."""
    return _POINTS.search(text) is not None


def _of_template(text: str, brought: list[str]) -> str:
    """The questions of a prompt's template that it does not answer itself, or else all but the texts it brings."""
    parts = [("", "")]
    end = 0
    if "<" in text or "[" in text:
        text = _SPECIAL.sub(lambda mark: f"\n# {mark[mark.lastindex or 0]}\n", text)
    text = f"\n{text}\n"
    for mark in _HEADING.finditer(text):
        role = _ROLES.get(mark[mark.lastindex or 0].lower())
        if role:
            parts[-1] = (parts[-1][0], text[end : mark.start()])
            parts.append((role, ""))
            end = mark.end()
    if len(parts) == 1:
        return text[1:-1]
    parts[-1] = (parts[-1][0], text[end:])
    open_questions = {
        place
        for place, (role, said) in enumerate(parts)
        if role == _ASKS and said.strip() and not _is_answered(parts[place + 1 :])
    }
    if open_questions:
        brought += [said for place, (_, said) in enumerate(parts) if place not in open_questions]
        return "\n".join([parts[place][1] for place in sorted(open_questions)])
    if not any(role == _BRINGS for role, _ in parts):
        return text
    kept = []
    for role, said in parts:
        if role == _BRINGS:
            first, *others = _BLOCK_END.split(said.strip(), maxsplit=1)
            brought.append(first)
            kept += others
        else:
            kept.append(said)
    return "\n\n".join(kept)


def _is_answered(following: list[tuple[str, str]]) -> bool:
    for role, said in following:
        if role != _ENDS:
            return role == _ANSWERS and bool(said.strip())
    return False


def _without(form: re.Pattern[str], text: str, brought: list[str]) -> str:
    def take(match: re.Match[str]) -> str:
        brought.append(match[match.lastindex or 0])
        return "\n"

    return form.sub(take, text)


def _unfenced(fence: re.Match[str]) -> str:
    """What stands between bare fences; where they name a language, they stay."""
    return fence[0] if _NAMED_FENCE.match(fence[0]) else fence[1]


def _short_one_of(text: str) -> str:
    """The short blocks at the ends that ask, where there is a long one."""
    blocks = [block for block in _BLOCK_END.split(text) if block.strip()]
    if len(blocks) > 1 and max(map(len, blocks)) > _LONG_BLOCK_CHARACTERS:
        ends = [block for block in (blocks[0], blocks[-1]) if len(block) <= _SHORT_BLOCK_CHARACTERS]
        if asking := [block for block in ends if _ASKING_BLOCK.search(block)] or ends[:1]:
            return "\n".join(asking)
    return text
