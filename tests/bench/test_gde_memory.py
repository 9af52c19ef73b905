"""A set that does not fit in memory is encoded in bounded memory."""

from __future__ import annotations

from core.bench.gde_memory import STREAM_GOAL, STREAMED, _child


def test_a_million_mapped_observations_stream_through_an_encoder() -> None:
    assert STREAMED == 1_000_000
    grown = _child("stream")["bytes"]
    assert 0 <= grown < STREAM_GOAL
