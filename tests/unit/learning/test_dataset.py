import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from frontdesk_server.learning.data.dataset import DatasetError, concatenate, read_dataset

Row = dict[str, object]

ROWS: list[Row] = [
    {"query_id": "a", "prompt": "one, two", "model": "small", "quality": 0.5, "cost_nano_usd": 3, "domain": "d"},
    {"query_id": "a", "prompt": "one, two", "model": "large", "quality": 1.0, "cost_nano_usd": 30, "domain": "d"},
    {"query_id": "b", "prompt": 'say "hi"\nplease', "model": "large", "quality": None, "answer": "hi"},
]


def write_json_lines(path: Path, rows: list[Row]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_reads_the_same_content_from_every_format(tmp_path: Path) -> None:
    json_lines = write_json_lines(tmp_path / "d.jsonl", ROWS)
    pq.write_table(pa.Table.from_pylist([{"answer": None} | row for row in ROWS]), tmp_path / "d.parquet")
    (tmp_path / "d.csv").write_text(
        "query_id,prompt,model,quality,cost_nano_usd,answer,domain\n"
        'a,"one, two",small,.5,3,,d\na,"one, two",large,1,30,,d\nb,"say ""hi""\nplease",large,,,hi,\n'
    )
    sets = [read_dataset(json_lines), read_dataset(tmp_path / "d.parquet"), read_dataset(tmp_path / "d.csv")]
    assert len({dataset.sha256 for dataset in sets}) == 1
    for dataset in sets:
        assert dataset.query_ids == ("a", "b")
        assert dataset.models == ("small", "large")
        np.testing.assert_array_equal(dataset.quality, [[0.5, 1.0], [np.nan, np.nan]])
        np.testing.assert_array_equal(dataset.cost_nano_usd, [[3, 30], [np.nan, np.nan]])
        assert dataset.answers[1, 1] == "hi"
        assert dataset.answers[0, 0] is None
        assert dataset.prompts[1] == 'say "hi"\nplease'
        assert len(dataset.complete()) == 1


def test_hash_ignores_order_and_sees_content(tmp_path: Path) -> None:
    forward = read_dataset(write_json_lines(tmp_path / "f.jsonl", ROWS))
    backward = read_dataset(write_json_lines(tmp_path / "b.jsonl", ROWS[::-1]))
    changed = read_dataset(write_json_lines(tmp_path / "c.jsonl", [ROWS[0] | {"quality": 0.6}, *ROWS[1:]]))
    assert forward.sha256 == backward.sha256 != changed.sha256


def test_a_repeated_pair_counts_as_a_further_query(tmp_path: Path) -> None:
    dataset = read_dataset(write_json_lines(tmp_path / "r.jsonl", [*ROWS, ROWS[0] | {"quality": 0.0}]))
    assert dataset.query_ids == ("a", "b", "a#2")
    assert dataset.prompts[2] == dataset.prompts[0]
    assert dataset.quality[2, 0] == 0.0


@pytest.mark.parametrize(
    ("change", "row", "column"),
    [
        ({"quality": 1.5}, 2, "quality"),
        ({"quality": "good"}, 2, "quality"),
        ({"cost_nano_usd": -1}, 2, "cost_nano_usd"),
        ({"cost_nano_usd": "inf"}, 2, "cost_nano_usd"),
        ({"prompt": ""}, 2, "prompt"),
        ({"prompt": "another"}, 2, "prompt"),
        ({"answer": ["x"]}, 2, "answer"),
    ],
)
def test_a_bad_value_is_named_by_file_row_and_column(tmp_path: Path, change: Row, row: int, column: str) -> None:
    path = write_json_lines(tmp_path / "bad.jsonl", [ROWS[0], ROWS[1] | change])
    with pytest.raises(DatasetError, match=rf"bad\.jsonl, row {row}, column {column}") as caught:
        read_dataset(path)
    assert (caught.value.row, caught.value.column) == (row, column)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="column model: the column is missing; found: prompt, quality, query_id"):
        read_dataset(write_json_lines(tmp_path / "m.jsonl", [{"query_id": "a", "prompt": "p", "quality": 1}]))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("d.jsonl", '{"query_id": ', "row 1: not valid JSON"),
        ("d.jsonl", "[1]", "row 1: a JSON object is expected"),
        ("d.jsonl", "", "no rows"),
        ("d.parquet", "no parquet", "not a readable Parquet file"),
        ("d.csv", "query_id,prompt,model,quality\na,b\n", "row 1: the row does not have as many fields"),
        ("d.txt", "", "unknown extension '.txt'"),
    ],
)
def test_an_unreadable_file_is_a_clear_error(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DatasetError, match=message):
        read_dataset(tmp_path / name)


def test_an_absent_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such file"):
        read_dataset(tmp_path / "absent.parquet")


def test_routellm_layout_is_read_without_its_contaminated_prompts(tmp_path: Path) -> None:
    responses = tmp_path / "mmlu" / "responses"
    responses.mkdir(parents=True)
    (responses / "mmlu_law.csv").write_text("prompt,weak/model,strong\nq1,True,False\nq2,False,True\nq2,True,True\n")
    (responses / "mmlu_art.csv").write_text("prompt,weak/model,strong\nq3,False,True\n")
    (tmp_path / "mmlu" / "contaminated_prompts.jsonl").write_text('{"eval_prompt": "q1"}\n')
    dataset = read_dataset(tmp_path / "mmlu")
    assert dataset.prompts == ("q3", "q2", "q2")
    assert dataset.domains == ("art", "law", "law")
    np.testing.assert_array_equal(dataset.select_models(["weak/model", "strong"]).quality, [[0, 1], [0, 1], [1, 1]])


def test_routellm_responses_come_along(tmp_path: Path) -> None:
    path = tmp_path / "gsm8k_responses.csv"
    path.write_text("prompt,weak,strong,weak_response,strong_response\nq,True,False,it is 4,it is 5\n")
    assert list(read_dataset(path).responses[0]) == ["it is 4", "it is 5"]


def test_selecting_and_joining_keep_outcomes_in_place(tmp_path: Path) -> None:
    dataset = read_dataset(write_json_lines(tmp_path / "d.jsonl", ROWS))
    large = dataset.select_models(["large"]).take([0])
    other = read_dataset(write_json_lines(tmp_path / "o.jsonl", [ROWS[0] | {"query_id": "c", "model": "third"}]))
    joined = concatenate(large, other)
    assert joined.models == ("large", "third")
    np.testing.assert_array_equal(joined.quality, [[1.0, np.nan], [np.nan, 0.5]])
    with pytest.raises(DatasetError, match="no model 'absent' in the data; it has: small, large"):
        dataset.select_models(["absent"])


def _rows(count: int, **faulty: object) -> str:
    row = {"query_id": "a", "prompt": "hi", "model": "small", "quality": 1.0}
    return "".join(json.dumps(row | faulty) + "\n" for _ in range(count))


def test_all_rows_at_fault_are_told_at_once(tmp_path: Path) -> None:
    lines = (_rows(1, quality=1.5), "no JSON\n", _rows(3), _rows(1, model=""), "[]\n", '{"query_id": "a"}\n')
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(lines))
    with pytest.raises(DatasetError) as refused:
        read_dataset(file)

    told = str(refused.value).splitlines()
    assert [line.partition(f"{file}, ")[2].partition(":")[0] for line in told] == [
        "row 1, column quality",
        "row 2",
        "row 6, column model",
        "row 7",
        "row 8, column prompt",
    ]


def test_of_many_rows_at_fault_twenty_are_told_and_how_many_more_there_are(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(_rows(1_025, quality="good"))
    with pytest.raises(DatasetError) as refused:
        read_dataset(file)

    told = str(refused.value).splitlines()
    assert len(told) == 21
    assert told[-1] == "and 1,005 more rows"


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_csv_of_other_separators_is_told_so(tmp_path: Path, separator: str) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(separator.join(("query_id", "prompt", "model", "quality")) + "\n" + separator.join("abc1") + "\n")
    with pytest.raises(DatasetError, match=re.escape(f"columns are separated by {separator!r}, commas")):
        read_dataset(file)
