"""A client that tries to reach what is another's: `python -m tests.pages.fuzzing --tries 10000`.

Anna signs in at a real server whose home holds datasets and runs of hers and of Ben's. Each try is something that a
client can send: an address with parameters that nobody would write, a widget set to what the page does not offer, a
file with a hostile name or content, another's upload, a path of the server. No page may fail, nothing of Ben's may
be in what the server sends, and the log may have no traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import random
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from streamlit.proto.WidgetStates_pb2 import WidgetState

from core.config.access import Viewer
from core.data.library import Library
from core.errors import InputError
from core.runs.store import RunStore
from pages.parts import state
from pages.parts.learn.lessons import LESSONS
from pages.parts.sections import SECTIONS
from tests.conftest import end_workers, tiny_cohort
from tests.pages.cohort_files import vcf
from tests.pages.two_people import CONTENT, ISSUER, KEY, NAME, Place, fill, place, sent
from tests.pages.visitor import Visitor

SHARES = {"address": 0.60, "widget": 0.10, "path": 0.27, "another's file": 0.02, "upload": 0.01}
"""Of the tries, by what they send; an import starts a process, so that few of them are tried."""

PARAMETERS = sorted({value for name, value in vars(state).items() if name.isupper() and isinstance(value, str)})
_VALUES = (
    "", "0", "-1", "1e308", "nan", "true", "null", "None", "[]", "{}", "..", "../..", "../../etc/passwd", "%2e%2e%2f",
    "/etc/passwd", "C:\\windows", "\x00", "a\x00b", "'; DROP TABLE runs; --", "<script>alert(1)</script>", "{{7*7}}",
    "$(id)", "🧬", "\u202e", "Ａ", "x" * 5000, "demo", "demo-clones", "demo-digits", "GAN", "VAE", "Linkage",
    "Import files", "All runs", "A file of mine", "Step by step", "Recipes",
)  # fmt: skip
_ROOTS = ("media", "_stcore/upload_file", "app/static", "static", "component", "_stcore/bidi-components", "")


@dataclass
class Tried:
    """How many tries of each kind there were, and what went wrong."""

    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def fuzz(here: Place, tries: int, seed: int, shares: dict[str, float], tell: Callable[[str], None] = print) -> Tried:
    """Try so often; the same for the same seed, but for the ids."""
    chance, seen, begun = random.Random(seed), Tried(), time.monotonic()
    for number in range(1, tries + 1):
        kind = chance.choices(list(shares), list(shares.values()))[0]
        seen.kinds[kind] += 1
        if wrong := attempt(here, kind, chance):
            seen.wrong.append(f"try {number}, {wrong}")
            tell(seen.wrong[-1])
        if number % 100 == 0:
            tell(f"{number} tries, {len(seen.wrong)} failed, {time.monotonic() - begun:.0f} s")
    log = (here.home / "server.log").read_text(errors="replace")
    seen.wrong += [f"in the log: {line[:300]}" for line in log.splitlines() if "Traceback" in line]
    return seen


def attempt(here: Place, kind: str, chance: random.Random) -> str:
    """What went wrong with one try of a kind, "" if nothing did."""
    if kind == "path":
        return _path(here, chance)
    page, query = hostile(here, chance)
    if kind in ("upload", "another's file"):
        page, query = "datasets", {"datasets": "Import files"}
    said = f"{kind} {page} {query!r}"
    try:
        with Visitor(here.address, here.cookie) as anna:
            anna.open(page, query)
            if kind == "widget":
                said += f", {_set_a_widget(here, anna, chance)}"
            elif kind == "upload":
                said += f", {_upload(anna, chance)}"
            elif kind == "another's file":
                said += f", {_take_a_file(here, anna, chance)}"
            return judged(anna, said)
    except Exception as error:  # noqa: BLE001 - a page that dies is what is looked for
        return f"{said}: {type(error).__name__} {str(error)[:300]}"


def named(home: Path, near: list[str], tries: int, seed: int) -> list[str]:
    """Ask the library and the run store of Anna for what nobody is called, or only Ben's things are; what she got.

    All that a parameter can name goes through these two, and it takes a hundredth of the time of a page.
    """
    chance, anna = random.Random(seed), Viewer(f"anna at {ISSUER}")
    library = Library(home / "datasets", embedded=home / "none", viewer=anna)
    store = RunStore(home / "runs", None, viewer=anna)
    reached = []
    for _ in range(tries):
        word = chance.choice([*near, *_VALUES])
        cut = slice(chance.randrange(len(word) + 1), None) if chance.random() < 0.3 else slice(chance.randrange(40))
        word = chance.choice(["", "../", "./", "../runs/", "../datasets/", "%2e%2e/", " "]) + chance.choice(
            [word, word[cut], word.upper(), word + "\x00", word + "/", word + "/config.json", word[::-1]]
        )
        for ask in (lambda ref: library.open(ref).meta.name, lambda ref: str(store.get(ref).config["title"])):
            with contextlib.suppress(InputError):
                if (name := ask(word)) != "mine":
                    reached.append(f"{word!r} gives {name}")
    return reached


def judged(visitor: Visitor, said: str) -> str:
    """Why what was sent to a visitor is wrong, "" if it is not."""
    if failures := visitor.all("exception"):
        return f"{said}: it failed: {failures[0].type} {failures[0].message[:200]}"
    # What the reader typed may be said back; what lies behind it may not.
    if sent(visitor, CONTENT) or (NAME not in said and sent(visitor, NAME)):
        return f"{said}: it shows what is another's"
    return ""


def hostile(here: Place, chance: random.Random) -> tuple[str, dict[str, str | list[str]]]:
    """A page and parameters of random names and values, some of them one's own, so that pages go on to the next."""
    page = chance.choice(SECTIONS).name
    names = chance.sample(PARAMETERS, chance.randint(1, 6))
    if page == "learn":
        lesson = chance.choice(LESSONS)
        names = ["lesson", "teaching", "hide", "fix", *(lesson.key(one.key) for one in lesson.controls[:3])]
    values: dict[str, str | list[str]] = {
        name: chance.choice(chance.choice([_VALUES, here.near, here.near, here.mine])) for name in names
    }
    if page == "learn" and chance.random() < 0.7:
        values |= {"lesson": lesson.name, "teaching": chance.choice(["true", "false", "1"])}
    if chance.random() < 0.2:
        values[chance.choice(names)] = [chance.choice(_VALUES), chance.choice(here.near)]
    return page, values


def _set_a_widget(here: Place, visitor: Visitor, chance: random.Random) -> str:
    """Set a widget of the page to what it does not offer, in the kind of value that it takes."""
    kinds = ("selectbox", "text_input", "multiselect", "button_group", "slider")
    widgets = [one for kind in kinds for one in visitor.all(kind)]
    if not widgets:
        return "no widget"
    one, word = chance.choice(widgets), chance.choice([*here.near, *_VALUES])
    changed = WidgetState(id=one.id)
    kind = one.DESCRIPTOR.name
    if kind in ("Selectbox", "TextInput"):
        changed.string_value = word
    elif kind == "Slider":
        changed.double_array_value.data.append(chance.choice([-1e9, 1e9, 0.123]))
    else:
        changed.string_array_value.data.append(word)
    visitor.change(changed)
    return f"{kind} {one.label!r} set to {changed!r}"


def _upload(visitor: Visitor, chance: random.Random) -> str:
    """Upload a file with a name that leads outside, or a content that does."""
    name = chance.choice(
        ["../../../etc/passwd.vcf", "/etc/passwd", "a\\..\\b.csv", "x" * 300 + ".npz", ".vcf", "ok.vcf.gz"]
    )
    whole = vcf(tiny_cohort(n=8, m=24, seed=chance.randrange(10**6)))
    content = chance.choice(
        [b"", b"\x00" * 512, _object_array(), _zip("../../outside"), _zip("/etc/cron.d/x"), whole, whole[:400]]
    )
    visitor.give("Genotype files", name, content)
    if any(button.label == "Import" for button in visitor.all("button")):
        visitor.press("Import")
    return f"{name[:40]} of {len(content)} bytes"


def _take_a_file(here: Place, visitor: Visitor, chance: random.Random) -> str:
    """Say that an upload of Ben's is one's own, or put one into a session that is not there."""
    if chance.random() < 0.5:
        guess = chance.choice(["../" + here.session, "0" * 36, here.session[:-1] + "x", "%2e%2e"])
        status = visitor.put(f"/_stcore/upload_file/{guess}/{here.file}", "a.csv", b"id,rs1\na,0\n")
        assert status >= 400, f"{guess}: {status}"
        return f"a file for {guess}: {status}"
    changed = WidgetState(id=chance.choice(visitor.all("file_uploader")).id)
    changed.file_uploader_state_value.uploaded_file_info.add(name="a.csv", size=20, file_id=here.file)
    visitor.change(changed)
    return "Ben's upload"


def _path(here: Place, chance: random.Random) -> str:
    """Ask the server for a path."""
    way = chance.choice(["../", "..%2f", "%2e%2e/", "....//", "/", ""]) * chance.randint(1, 8)
    where = chance.choice([*here.near, "etc/passwd", "home/server.log", "secrets.toml", here.file, "app.py"]).lstrip(
        "/"
    )
    path = f"/{chance.choice(_ROOTS)}/{way}{where}"
    connection = http.client.HTTPConnection(here.address.removeprefix("http://"), timeout=60)
    try:
        connection.request(
            "GET", path.encode("ascii", "ignore").decode().replace(" ", "%20"), headers={"Cookie": here.cookie}
        )
        content = connection.getresponse().read()
    finally:
        connection.close()
    hit = [word for word in (CONTENT, "root:x:0", KEY, "set_page_config") if word.encode() in content]
    return f"path {path}: it gives {hit}" if hit else ""


def _object_array() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return stream.getvalue()


def _zip(name: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, CONTENT[:2])
    return stream.getvalue()


def main() -> None:
    """Try as often as asked; print what failed, the number of tries of each kind and the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--names", type=int, default=0, help="ask as often below the pages, instead of the server")
    parser.add_argument("--alone", action="store_true", help="without the shipped datasets and runs, which is faster")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        if options.names:
            near = [*fill(home, "ben", NAME), *fill(home, "anna", "mine")]
            reached = named(home, near, options.names, options.seed)
            print(*reached, f"{options.names:,} names, {len(reached)} reached what is another's", sep="\n")
            raise SystemExit(bool(reached))
        try:
            with place(home, shipped=not options.alone) as here:
                begun = time.monotonic()
                seen = fuzz(here, options.tries, options.seed, SHARES)
        finally:
            end_workers(home)
    for wrong in seen.wrong:
        print(wrong)
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in seen.kinds.most_common())
    print(f"{options.tries:,} tries ({kinds}), {len(seen.wrong)} failed, {time.monotonic() - begun:,.0f} s")
    raise SystemExit(bool(seen.wrong))


if __name__ == "__main__":
    main()
