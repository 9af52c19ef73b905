"""Every hostile file ends in one plain sentence and changes nothing; every sloppy one is read with the right counts."""

from __future__ import annotations

import gzip
import os
import random
import re
import resource
import signal
import zipfile
from pathlib import Path

import pytest

from core.data import export
from core.data.genotypes import Genotypes
from core.data.intake import sandbox
from core.data.intake.importing import import_file, read_file
from core.data.intake.inbox import UserFile
from core.data.intake.sandbox import Limits
from core.data.library import Library
from core.errors import InputError
from tests.data.intake.hostile import ACCEPTED, COLUMNS, HEADER, RECORDS, REFUSED, Case

MEMORY_MAX = 1 << 30
PROCESSOR_SECONDS_MAX = 10.0


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    """(peak resident bytes, processor seconds) of every child that the test starts, whether it succeeds or not."""
    seen: list[tuple[int, float]] = []

    def waiting(pid: int, options: int) -> tuple[int, int]:
        ended, status, usage = os.wait4(pid, options)
        if ended:
            seen.append((usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime))
        return ended, status

    monkeypatch.setattr(os, "waitpid", waiting)
    return seen


def memory_max() -> int:
    """The bytes that a child may take. Linux counts to a child's peak that of the process that forked it."""
    return max(MEMORY_MAX, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + 1)


def one_sentence(message: str) -> bool:
    """One line, ending once with a full stop, without a traceback, a path of the server or an exception's name."""
    plain = "\n" not in message and "Traceback" not in message and "Error" not in message
    return plain and message.endswith(".") and re.search(r"\. [A-Z]", message) is None and len(message) < 500


def paths_of(case: Case, folder: Path) -> list[Path]:
    made = case.make(folder)
    return made if isinstance(made, list) else [made]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_refused_with_one_sentence(case: Case, tmp_path: Path, home: Path, costs: list[tuple[int, float]]) -> None:
    library = Library()
    with pytest.raises(InputError) as caught:
        import_file(paths_of(case, tmp_path), library=library, options=case.options)
    message = str(caught.value)
    assert all(word in message for word in case.words), message
    assert one_sentence(message), message
    assert str(tmp_path) not in message
    assert not [meta for meta in library.list() if not meta.embedded]
    assert not list((home / "cache").iterdir())
    for peak, seconds in costs:
        assert peak < memory_max()
        assert seconds < PROCESSOR_SECONDS_MAX


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_sloppy_but_readable(case: Case, tmp_path: Path, home: Path, costs: list[tuple[int, float]]) -> None:
    result = read_file(paths_of(case, tmp_path), options=case.options)
    assert (result.population.n, result.population.m) == case.shape
    assert result.dropped == case.dropped
    remarks = " ".join(result.notes)
    assert all(word in remarks for word in case.words), remarks
    assert costs[0][0] < memory_max()


def test_the_corpus_is_large_enough() -> None:
    assert len(REFUSED) + len(ACCEPTED) >= 45
    assert len({case.name for case in REFUSED + ACCEPTED}) == len(REFUSED) + len(ACCEPTED)


@pytest.mark.parametrize(
    "name", ["<img onerror=x>.vcf", "=cmd().vcf", "../../etc/passwd.vcf", "x" * 400 + ".vcf", "🧬\0.vcf"]
)
def test_a_client_name_is_shown_and_never_a_path(name: str, tmp_path: Path, home: Path) -> None:
    stored = tmp_path / "0"
    stored.write_text(HEADER + COLUMNS + RECORDS)
    meta = import_file([UserFile(name, stored, 0)], library=Library())
    assert (meta.cohort.individuals, meta.cohort.variants) == (3, 2)
    assert "/" not in meta.source and "\0" not in meta.source and len(meta.source) <= 100
    assert {path.name for path in tmp_path.iterdir()} == {"0", home.name}


def test_folder_pipe_and_missing_file(tmp_path: Path, home: Path) -> None:
    os.mkfifo(tmp_path / "pipe.vcf")
    for name, words in (("", "folder"), ("pipe.vcf", "regular"), ("none.vcf", "No such file"), ("\0.vcf", "opened")):
        with pytest.raises(InputError, match=words):
            read_file([tmp_path / name if name else tmp_path])


def mutated(content: bytes, seed: int) -> bytes:
    """A file with a few bytes changed, lost, doubled or put in between."""
    rng, damaged = random.Random(seed), bytearray(content)
    for _ in range(rng.choice((1, 2, 5, 20))):
        i = rng.randrange(len(damaged))
        deed = rng.randrange(4)
        if deed == 0:
            damaged[i] = rng.randrange(256)
        elif deed == 1:
            del damaged[i : i + rng.randrange(1, len(damaged) // 20 + 2)]
        elif deed == 2:
            damaged[i:i] = rng.choice((b"9" * 20, b"\n", b"\t", b"\xff", b"1e309", b"nan", b'"', b","))
        else:
            damaged[i:i] = damaged[max(0, i - 40) : i]
    return bytes(damaged)


def written(cohort: Genotypes, folder: Path, ending: str) -> Path:
    """The cohort as a file of that ending, with its companions."""
    path = folder / f"x{ending}"
    if ending == ".hapt.zip":
        folder.mkdir()
        rows = enumerate((cohort.calls > 0).astype(int).tolist())
        lines = [f"R i{i}_{strand} {' '.join(map(str, row))}" for i, row in rows for strand in "AB"]
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.hapt", "\n".join(lines))
    elif ending == ".vcf":
        path.write_bytes(gzip.decompress(export.write(cohort, folder / "x.vcf.gz")[0].read_bytes()))
    else:
        export.write(cohort, folder / ("x.bed" if ending in (".bim", ".fam") else path.name))
    return path


@pytest.mark.parametrize("ending", [".vcf.gz", ".vcf", ".npz", ".csv", ".bed", ".bim", ".fam", ".hapt.zip"])
def test_a_mutated_file_is_read_or_refused_by_name(ending: str, tiny: Genotypes, tmp_path: Path, home: Path) -> None:
    """No damage may reach the user as an unnamed failure of the reader."""
    for seed in range(5):
        path = written(tiny, tmp_path / str(seed), ending)
        path.write_bytes(mutated(path.read_bytes(), seed))
        try:
            result = read_file([path])
        except InputError as error:
            assert one_sentence(str(error)), error
            assert "could not be read" not in str(error), error
        else:
            assert result.population.calls.min() >= -1
            assert result.population.calls.max() <= 2


CRASH = "tests.data.intake.crashing"


@pytest.mark.parametrize(
    ("job", "limits", "words"),
    [
        ({"do": "die", "signal": int(signal.SIGSEGV)}, Limits(), "the reader died, signal 11 (SIGSEGV)"),
        ({"do": "exit"}, Limits(), "the reader died, exit status 3"),
        ({"do": "memory"}, Limits(memory_bytes=1 << 30), "1.0 GiB of memory"),
        ({"do": "spin"}, Limits(cpu_seconds=1), "1 s of processor time"),
        ({"do": "sleep"}, Limits(wall_seconds=0.5), "longer than 0.5 s"),
        ({"do": "disk"}, Limits(file_bytes=1 << 20), "could not be read"),
        ({"do": "files"}, Limits(open_files=20), "could not be read"),
        ({"do": "bug"}, Limits(), "(ZeroDivisionError)"),
    ],
    ids=lambda value: value.get("do", "") if isinstance(value, dict) else "",
)
def test_a_child_that_fails_ends_in_a_sentence(
    job: dict[str, object], limits: Limits, words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        sandbox.run(CRASH, job, tmp_path, limits)
    assert words in str(caught.value)


def test_the_child_sees_no_secrets_of_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_PASSWORD", "hunter2")
    value = sandbox.run(CRASH, {"do": "environment"}, tmp_path)
    assert "A_PASSWORD" not in value["names"]
    assert value["core"] == 0


def test_the_child_imports_no_heavy_library(tmp_path: Path) -> None:
    """What makes each import start quickly: no torch, no pandas, no scipy before a reader asks for it."""
    value = sandbox.run(CRASH, {"do": "modules"}, tmp_path)
    assert not {"torch", "pandas", "scipy", "cyvcf2", "bed_reader", "streamlit"} & set(value["names"])
