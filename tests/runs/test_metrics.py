"""Curves: appended by one process, read by others while they grow, rewound at resume."""

from __future__ import annotations

import json
import math
from pathlib import Path

from core.runs.metrics import MetricsFile, MetricsWriter, last_values, read, rewind


def write(path: Path, *steps: int) -> None:
    writer = MetricsWriter(path)
    for step in steps:
        writer.write(step, step // 10, {"critic": step / 2, "generator": math.nan})
    writer.close()


def test_lines_have_the_five_keys_and_are_plain_json(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    write(path, 10)
    lines = [json.loads(line, parse_constant=lambda c: 1 / 0) for line in path.read_text().splitlines()]
    assert [set(line) for line in lines] == [{"step", "epoch", "time", "name", "value"}] * 2
    assert [line["value"] for line in lines] == [5.0, None]


def test_read_gives_series_in_order_of_appearance(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    write(path, 10, 20)
    series = read(path)
    assert list(series) == ["critic", "generator"]
    assert (series["critic"].step, series["critic"].epoch, series["critic"].value) == ([10, 20], [1, 2], [5.0, 10.0])
    assert all(map(math.isnan, series["generator"].value))
    assert list(read(path, ["generator"])) == ["generator"]


def test_what_a_reader_got_does_not_change(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    write(path, 1)
    first = read(path)["critic"]
    first.value.append(99.0)
    write(path, 2)
    assert len(first.step) == 1
    assert read(path)["critic"].value == [0.5, 1.0]


def test_a_growing_file_is_read_on_and_a_half_line_waits(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    file = MetricsFile(path)
    assert file.read() == {}
    write(path, 1)
    assert file.read()["critic"].step == [1]
    with path.open("a") as stream:
        stream.write('{"step": 2, "epoch": 0, "time": 0, "name": "cri')
        stream.flush()
        assert file.read()["critic"].step == [1]
        stream.write('tic", "value": 1}\n')
    assert file.read()["critic"].step == [1, 2]


def test_rewind_forgets_later_steps_and_the_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    write(path, 1, 2, 3, 4)
    file = MetricsFile(path)
    file.read()
    with path.open("a") as stream:
        stream.write('{"step": 5, "na')
    rewind(path, 2)
    write(path, 3)
    assert file.read()["critic"].step == [1, 2, 3]  # an open reader notices
    assert last_values(path)[1]["critic"] == 1.5
    rewind(tmp_path / "none.jsonl", 2)


def test_last_values_look_at_the_end_only(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    assert last_values(path) == (0, {})
    write(path, *range(3000))
    epoch, values = last_values(path)
    assert (epoch, values["critic"]) == (299, 1499.5)


def test_lines_of_others_are_left_aside(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('nonsense\n[1]\n{"step": 1}\n\n')
    write(path, 7)
    assert read(path)["critic"].step == [7]
