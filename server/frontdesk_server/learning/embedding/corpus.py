"""Texts to distil on: files of queries, WordNet's example sentences, Python's own documentation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from frontdesk_server.config.files import STANDARD, read
from frontdesk_server.domain.unusable import in_words
from frontdesk_server.learning.data.tables import DatasetError, read_table, taken

_COLUMNS = ("text", "prompt")
_MAX_CHARACTERS = 600
_LISTED_CHARACTERS = re.compile(r"\nA\. \[\n.*", re.DOTALL)
"""Options that a data set spelled out character by character."""


def read_texts(path: Path) -> list[str]:
    """Read the distinct texts of a Parquet, JSON Lines or plain text file (one text a line).

    In their order; standard input is plain text. Of tables the column `text` or `prompt` is read and, where a column
    `split` exists, its `train` rows alone. Texts are cut at 600 characters, about what an encoder reads of them in
    distillation. Raises DatasetError.
    """
    if path.suffix == ".txt" or path == STANDARD:
        return _distinct(_lines(path))
    rows = taken(read_table(path), lambda row: row)
    column = next((name for name in _COLUMNS if name in rows[0].values), None)
    if column is None:
        raise DatasetError(f"has no column {' or '.join(_COLUMNS)}", file=path)
    trained_on = (row for row in rows if row.values.get("split", "train") == "train")
    return _distinct([text for row in trained_on if (text := row.optional_text(column))])


def _lines(path: Path) -> list[str]:
    try:
        lines = [line for line in read(path).decode().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"not readable as text in UTF-8: {in_words(error)}", file=path) from error
    if not lines:
        raise DatasetError("the file has no rows", file=path)
    return lines


def _distinct(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(_LISTED_CHARACTERS.sub("", text[:_MAX_CHARACTERS]) for text in texts))


def wordnet_examples(folder: Path, count: int, random: Random) -> list[str]:
    """Draw example sentences of four words or more from WordNet's `data.*` files."""
    examples = [
        example
        for path in sorted(folder.glob("data.*"))
        for line in path.read_text(encoding="latin-1").splitlines()
        if not line.startswith("  ")  # the licence
        for example in re.findall(r'"([^"]+)"', line.partition(" | ")[2])
        if len(example.split()) >= 4
    ]
    random.shuffle(examples)
    return examples[:count]


def python_documentation(folder: Path, count: int, random: Random) -> list[str]:
    """Draw first paragraphs of docstrings and short pieces of code from the Python modules in a folder."""
    texts = dict.fromkeys(
        text
        for path in sorted(folder.rglob("*.py"))
        if not {"site-packages", "test", "tests", "idlelib"} & set(path.relative_to(folder).parts)
        for text in _passages(path, random)
    )
    drawn = list(texts)
    random.shuffle(drawn)
    return drawn[:count]


def _passages(path: Path, random: Random) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError):  # some of its files are broken on purpose
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
            documentation = ast.get_docstring(node) or ""
            if len(documentation.split()) > 4:
                yield documentation.partition("\n\n")[0].replace("\n", " ")[:400]
        if isinstance(node, ast.FunctionDef) and random.random() < 0.1:
            yield ast.unparse(node)[:400]
