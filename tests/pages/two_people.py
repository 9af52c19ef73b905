"""A server whose home holds things of two people: Anna, who signs in, and Ben, whose things are not for her."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.config.access import Viewer
from core.data.genotypes import Genotypes
from core.data.library import Library
from core.runs.files import read_json, write_json
from tests.browser.serving import REPOSITORY, free_port, serve
from tests.conftest import tiny_cohort
from tests.pages import finished_runs
from tests.pages.visitor import Visitor, signed_in

NAME, CONTENT = "quagga", "okapi"
"""Words of what is Ben's: Anna may guess names and types them; what is inside she has never seen."""
ISSUER, KEY = "https://example.org", "a secret of this test alone, long enough"
_ALONE = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
import core.data.library, core.runs.store
core.data.library.ASSETS = core.data.library.ASSETS / "none"
core.runs.store.RunStore.__init__.__defaults__ = (None, None)
"""


@dataclass
class Place:
    """A server with things of both, Anna's cookie, and what she may have heard of Ben's."""

    address: str
    home: Path
    cookie: str
    near: list[str]
    mine: list[str]
    session: str = ""
    file: str = ""


@contextlib.contextmanager
def place(home: Path, *, shipped: bool = True) -> Iterator[Place]:
    """Fill `home`, serve it, and let Ben look at what is his and upload a file, so that the server keeps it for him.

    Without the `shipped` datasets and runs pages are opened faster, and those of sets are empty.
    """
    (home / "datasets").mkdir(parents=True)
    near, mine = fill(home, "ben", NAME), fill(home, "anna", "mine")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    secrets = home / "secrets.toml"
    secrets.write_text(
        f'[auth]\nredirect_uri = "{address}/oauth2callback"\ncookie_secret = "{KEY}"\nclient_id = "x"\n'
        f'client_secret = "x"\nserver_metadata_url = "{ISSUER}/.well-known/openid-configuration"\n'
    )
    near += [str(home / "secrets.toml"), str(home), f"ben at {ISSUER}"]
    (home / "sitecustomize.py").write_text(_ALONE)
    around = {
        "STREAMLIT_SECRETS_FILES": str(secrets),
        "STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "5",
        "OMP_NUM_THREADS": "1",
    }
    with serve(REPOSITORY, home, port=port, **around, **({} if shipped else {"PYTHONPATH": str(home)})):
        anna, ben = (signed_in(address, {"iss": ISSUER, "sub": name}, KEY) for name in ("anna", "ben"))
        with Visitor(address, ben) as owner:
            label = next(word for word in near if "·" in word)
            for page in ("datasets", "runs", "linkage"):
                owner.open(page, {"dataset": NAME, "run": label})
                assert sent(owner, CONTENT), f"{page} shows its owner nothing"
            owner.open("datasets", {"datasets": "Import files"})
            file = owner.place_for(f"{CONTENT}.csv")
            assert owner.put(file.upload_url, f"{CONTENT}.csv", f"id,rs1\n{CONTENT},0\n".encode()) == 204
            yield Place(address, home, anna, near, mine, owner.session, file.file_id)


def fill(home: Path, person: str, name: str) -> list[str]:
    """A cohort with two finished runs, of one person; the names and ids by which they are called."""
    owner = f"{person} at {ISSUER}"
    library = Library(home / "datasets", embedded=home / "none", viewer=Viewer(owner))
    cohort = tiny_cohort(n=120, m=60, seed=len(name))
    inside = CONTENT if name == NAME else name
    meta = library.add(_marked(cohort, inside), name=name, source=f"{inside}.vcf")
    runs = finished_runs.make(home / "runs", library.open(meta.id), ("haplotype_mosaic", "resample"), bootstrap=0)
    words = [meta.name, meta.id, meta.id[:8], f"../datasets/{meta.id}", str(home / "datasets" / meta.id / "meta.json")]
    for path in runs:
        config = (read_json(path / "config.json") or {}) | {"owner": owner, "title": name}
        write_json(path / "config.json", config)
        write_json(path / "status.json", (read_json(path / "status.json") or {}) | {"reason": f"It is {inside}."})
        words += [path.name, path.name[:6], f"{name} · {path.name[:6]}", f"../{path.name}", str(path / "report.json")]
    return words


def _marked(cohort: Genotypes, word: str) -> Genotypes:
    """The cohort with a word in each of its names."""
    return replace(
        cohort,
        sample_id=np.array([f"{word}{i}" for i in range(cohort.n)]),
        variant_id=np.array([f"{word}-rs{j}" for j in range(cohort.m)]),
        labels={"population": np.array([f"{word} {one}" for one in cohort.labels["population"]])},
    )


def sent(visitor: Visitor, word: str) -> bool:
    """Whether the server has sent a word."""
    return any(word.encode() in message for message in visitor.raw)
