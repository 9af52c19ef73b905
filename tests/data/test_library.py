"""The library: content digests, atomic adding, names, and what survives a killed process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config.home import REPOSITORY
from core.data.digest import content_digest
from core.data.genotypes import Genotypes, from_calls
from core.data.library import Library
from core.data.simulators.families import FamilyConfig, simulate_family
from core.errors import InputError


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "datasets", embedded=tmp_path / "nothing-shipped")


def assert_equal(a: Genotypes, b: Genotypes) -> None:
    for name in ("calls", "sample_id", "variant_id", "variant_contig", "variant_position", "variant_allele"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert list(a.labels) == list(b.labels)
    assert list(a.phenotypes) == list(b.phenotypes)
    for key in a.labels:
        np.testing.assert_array_equal(a.labels[key], b.labels[key])
    for key in a.phenotypes:
        np.testing.assert_array_equal(a.phenotypes[key], b.phenotypes[key])
    assert a.ploidy == b.ploidy


def test_round_trip_keeps_every_column(library: Library, tiny: Genotypes) -> None:
    odd = replace(
        tiny,
        labels={**tiny.labels, "région/été .npy": np.array(["ü", ""] * 40)},
        phenotypes={**tiny.phenotypes, "file": np.where(np.arange(80) % 3 == 0, np.nan, 1.5)},
        truth={"phenotype": {"effect": np.arange(3.0), "heritability": 0.5, "deep": {"index": np.arange(2)}}},
    )
    meta = library.add(odd, name="odd", source="odd.vcf", dropped={"filtered": 3}, notes=["A note."])
    again = library.open("odd").genotypes()
    assert_equal(odd, again)
    assert isinstance(again.calls, np.memmap)
    assert not again.calls.flags.writeable
    np.testing.assert_array_equal(again.truth["phenotype"]["effect"], np.arange(3.0))
    np.testing.assert_array_equal(again.truth["phenotype"]["deep"]["index"], np.arange(2))
    assert again.truth["phenotype"]["heritability"] == 0.5
    assert library.list() == [meta]
    assert meta.id == content_digest(again)
    assert meta.dropped == {"filtered": 3}
    assert meta.notes[0] == "A note."
    assert list(meta.labels) == ["population", "région/été .npy"]
    assert meta.labels["population"] == ["NORTH", "SOUTH"]


def test_adding_twice_changes_nothing(library: Library, tiny: Genotypes) -> None:
    first = library.add(tiny, name="one")
    stamps = {path: path.stat().st_mtime_ns for path in library.root.rglob("*")}
    assert library.add(tiny, name="two", source="elsewhere.bed") == first
    assert {path: path.stat().st_mtime_ns for path in library.root.rglob("*")} == stamps


def test_the_same_cohort_added_by_many_at_once_is_stored_once(library: Library, tiny: Genotypes) -> None:
    with ThreadPoolExecutor(4) as pool:
        metas = list(pool.map(lambda k: library.add(tiny, name=f"name {k}"), range(8)))
    assert [path.name for path in library.root.iterdir()] == [metas[0].id]
    assert all(meta == library.list()[0] for meta in metas)


def test_listing_opens_no_array(library: Library, tiny: Genotypes) -> None:
    meta = library.add(tiny, name="one")
    for path in (library.root / meta.id).iterdir():
        if path.name != "meta.json":
            path.unlink()
    assert library.list() == [meta]
    with pytest.raises(InputError, match=r"'one' cannot be read: FileNotFoundError \(samples\.npz\)"):
        library.open("one").genotypes()


def test_names_prefixes_and_their_errors(library: Library, tiny: Genotypes) -> None:
    with pytest.raises(InputError, match="the library is empty"):
        library.open("kg")
    first = library.add(tiny, name="  kg   805 ")
    second = library.add(tiny.individuals(np.arange(60)), name="kg 805")
    assert (first.name, second.name) == ("kg 805", "kg 805-2")
    assert library.open("kg 805-2").meta == second
    assert library.open(first.id[:10]).meta == first
    for ref in (first.id[:3], "../datasets", "", "\x00", first.id + "0"):
        with pytest.raises(InputError, match="There is no dataset"):
            library.open(ref)
    with pytest.raises(InputError, match="Another dataset is called"):
        library.rename("kg 805-2", "kg 805")
    assert library.rename(second.id, "short").name == "short"
    assert library.open("short").meta.id == second.id
    for name in ("", "a" * 81, "bell\x07"):
        with pytest.raises(InputError, match="cannot be a name"):
            library.rename("short", name)
    library.remove("short")
    assert [meta.id for meta in library.list()] == [first.id]
    assert [path.name for path in library.root.iterdir()] == [first.id]


def test_an_ambiguous_prefix_is_refused(library: Library, tiny: Genotypes) -> None:
    meta = library.add(tiny, name="a")
    twin = meta.id[:12] + "f" * 12
    (library.root / meta.id).rename(library.root / "keep")
    for identifier, name in ((meta.id, "a"), (twin, "b")):
        folder = library.root / identifier
        folder.mkdir()
        (folder / "meta.json").write_text(json.dumps(replace(meta, id=identifier, name=name).to_dict()))
    with pytest.raises(InputError, match="could be several datasets"):
        library.open(meta.id[:8])


def test_sets_and_their_truth_go_through_the_library(library: Library) -> None:
    sets = simulate_family(FamilyConfig(family="mvn", sets=10, observations=20, dimension=2))
    meta = library.add(sets, name="gaussians")
    assert (meta.kind, meta.collection.sets, meta.collection.observations, meta.has_truth) == ("sets", 10, 200, True)
    dataset = library.open(meta.id)
    back = dataset.collection()
    assert content_digest(back) == meta.id != content_digest(replace(sets, modality="sequence"))
    np.testing.assert_array_equal(back.truth["covariance"], sets.truth["covariance"])
    assert back.truth["family"] == "mvn"
    with pytest.raises(InputError, match="'gaussians' holds sets; genotypes are expected"):
        dataset.genotypes()
    with pytest.raises(InputError, match="1 set; at least 2"):
        library.add(sets.sets(np.arange(1)), name="one")


def test_a_description_of_an_older_version_is_read(library: Library, tiny: Genotypes) -> None:
    """Facts once stood among the others, and a collection said that it had 0 individuals."""
    sets = simulate_family(FamilyConfig(family="mvn", sets=10, observations=20, dimension=2))
    for meta in (library.add(tiny, name="cohort"), library.add(sets, name="sets")):
        values = meta.to_dict()
        facts = values.pop("cohort" if meta.kind == "genotypes" else "collection")
        older = {"individuals": 0, "variants": 0, "sets": 0, "observations": 0} | values | facts
        (library.root / meta.id / "meta.json").write_text(json.dumps(older))
        assert library.open(meta.id).meta == meta


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        (np.zeros((1, 5)), "1 individuals and 5 variants"),
        (np.zeros((5, 0)), "5 individuals and 0 variants"),
        (np.full((5, 5), 3), "run from 3 to 3"),
        (np.full((5, 5), -2), "run from -2 to -2"),
        (np.full((5, 5), -1), "Every call is missing"),
    ],
)
def test_what_is_no_cohort_is_refused(library: Library, calls: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        library.add(from_calls(calls), name="bad")
    assert library.list() == []


def test_repeated_ids_are_refused(library: Library, tiny: Genotypes) -> None:
    ids = tiny.sample_id.copy()
    ids[3] = ids[7]
    with pytest.raises(InputError, match="'sample_8' appears 2 times"):
        library.add(replace(tiny, sample_id=ids), name="bad")


def test_shipped_datasets_are_read_only_and_give_way_to_own(tmp_path: Path, tiny: Genotypes) -> None:
    shipped = Library(tmp_path / "shipped", embedded=tmp_path / "none")
    meta = shipped.add(tiny, name="demo")
    library = Library(tmp_path / "own", embedded=shipped.root)
    assert library.list() == [replace(meta, embedded=True)]
    assert library.add(tiny, name="mine") == replace(meta, embedded=True)
    assert library.add(tiny.individuals(np.arange(50)), name="demo").name == "demo-2"
    for change in (lambda: library.remove("demo"), lambda: library.rename("demo", "x")):
        with pytest.raises(InputError, match="shipped with Popscape"):
            change()


def test_a_damaged_description_hides_only_its_own_dataset(library: Library, tiny: Genotypes) -> None:
    meta = library.add(tiny, name="good")
    other = library.add(tiny.individuals(np.arange(40)), name="bad")
    (library.root / other.id / "meta.json").write_text("{")
    assert library.list() == [meta]


def test_killed_while_writing_leaves_nothing_behind(tmp_path: Path) -> None:
    root = tmp_path / "datasets"
    script = """
import sys, numpy as np
from pathlib import Path
import core.data.dataset as dataset
from core.data.genotypes import from_calls
from core.data.library import Library
import time
original = dataset.write_json
def stall(path, value):
    original(path, value)
    if path.name == "profile.json":
        print("half written", flush=True)
        time.sleep(60)
dataset.write_json = stall
calls = np.random.default_rng(0).integers(0, 3, (50, 20))
Library(Path(sys.argv[1]), embedded=Path(sys.argv[1]) / "none").add(from_calls(calls), name="x")
"""
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(root)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "half written\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    (leftover,) = root.iterdir()
    library = Library(root, embedded=tmp_path / "none")
    assert library.list() == []
    long_ago = time.time() - 2 * 86_400
    os.utime(leftover, (long_ago, long_ago))
    meta = library.add(from_calls(np.random.default_rng(0).integers(0, 3, (50, 20))), name="x")
    assert [path.name for path in root.iterdir()] == [meta.id]
    assert library.open("x").genotypes().n == 50


def test_reading_needs_numpy_and_json_only(library: Library, tiny: Genotypes) -> None:
    library.add(tiny, name="x")
    script = f"""
import sys
from pathlib import Path
from core.data.library import Library
d = Library(Path({str(library.root)!r})).open("x")
d.genotypes(), d.split(), d.profile()
heavy = ("torch", "pandas", "scipy", "streamlit", "msprime", "cyvcf2", "allel", "sklearn")
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_digest_ignores_how_arrays_lie_in_memory(tiny: Genotypes) -> None:
    same = replace(
        tiny,
        calls=np.asfortranarray(tiny.calls),
        sample_id=tiny.sample_id.astype("<U200"),
        variant_position=tiny.variant_position.astype(">i8"),
        phenotypes={"height": tiny.phenotypes["height"].astype(">f8")},
        truth={"phenotype": {"heritability": 0.3}},
    )
    assert content_digest(same) == content_digest(tiny)


@settings(max_examples=60)
@given(st.data())
def test_digest_sees_every_single_change(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    base = from_calls(
        rng.integers(-1, 3, (6, 5)),
        labels={"pop": np.array(["a", "b"] * 3)},
        phenotypes={"y": np.array([np.nan, 0.0, 1, 2, 3, 4])},
    )
    i, j = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 4))
    calls = base.calls.copy()
    calls[i, j] = (calls[i, j] + 2) % 4 - 1
    changed = {
        "call": replace(base, calls=calls),
        "sample": replace(base, sample_id=np.array([f"{s}{'x' * (k == i)}" for k, s in enumerate(base.sample_id)])),
        "variant": replace(base, variant_id=np.roll(base.variant_id, 1)),
        "contig": replace(base, variant_contig=np.array([str(int(k == j)) for k in range(5)])),
        "position": replace(base, variant_position=np.arange(5) == j),
        "allele": replace(base, variant_allele=np.where(np.arange(10).reshape(5, 2) == j, "A", "")),
        "label": replace(base, labels={"pop": np.where(np.arange(6) == i, "c", base.labels["pop"])}),
        "column": replace(base, labels={"popx": base.labels["pop"]}),
        "phenotype": replace(base, phenotypes={"y": base.phenotypes["y"] + (np.arange(6) == max(i, 1))}),
        "known": replace(base, phenotypes={"y": np.nan_to_num(base.phenotypes["y"])}),
        "ploidy": replace(base, ploidy=1),
        "order": base.individuals(np.roll(np.arange(6), 1)),
    }
    digests = [content_digest(base), *(content_digest(g) for g in changed.values())]
    assert len(set(digests)) == len(digests)


def test_digest_parts_strings_that_join_to_the_same_text(tiny: Genotypes) -> None:
    a = from_calls(np.ones((2, 2)), sample_id=np.array(["ab", "c"]))
    b = from_calls(np.ones((2, 2)), sample_id=np.array(["a", "bc"]))
    assert content_digest(a) != content_digest(b)
