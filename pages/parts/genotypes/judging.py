"""A file of synthetic individuals against real ones of the library: what is asked, the work, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.commands.child import Upload, judged
from core.data.library import Library
from core.errors import PopscapeError
from core.plots.scorecard import scorecard
from core.reports.report import Report
from core.reports.standing import Candidate, headline, metric_names, table
from core.words import size
from pages.parts.chart import chart
from pages.parts.frame import heading, nothing_yet, plain, refused_here
from pages.parts.genotypes.imputing import FILE_TYPES
from pages.parts.reports import scorecard_caption, signs
from pages.parts.state import DATASET, JUDGE_HOLDOUT, pick_followed

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

_ASKED = "judge_asked"
_NOBODY = "I do not know, or nobody"


@dataclass(frozen=True)
class Request:
    """What is judged: `file` against the dataset `real` (an id), beside `holdout`, which its model never saw."""

    real: str
    file: Upload
    holdout: str | None


def open_judging(page: str) -> tuple[DeltaGenerator, dict[str, str]]:
    """Begin the page; name → id of every cohort. The page ends here where there is none."""
    names = {meta.name: meta.id for meta in Library().list() if meta.kind == "genotypes"}
    top = heading(page)
    if not names:
        nothing_yet(
            "There are no real individuals to judge by", "Import them first: a VCF, PLINK, npz or CSV file.",
            datasets="Import the real individuals",
        )  # fmt: skip
        st.stop()
    return top, names


def given(names: Mapping[str, str]) -> Request | None:
    """The real individuals and the file that the reader chooses; None until there is a file."""
    left, right = st.columns(2)
    with left:
        real = pick_followed(
            "judge", "Real individuals", DATASET, list(names), "What the synthetic ones should be like."
        )
    with right:
        others = [name for name in names if name != real]
        holdout = st.selectbox(
            "Real individuals that their model never saw", [_NOBODY, *others], key=JUDGE_HOLDOUT, bind="query-params",
            help="With them the report can tell remembering from resembling: distances to those it was trained on "
            "beside distances to these.",
        )  # fmt: skip
    if refused_here():
        return None
    file = st.file_uploader(
        "File of synthetic individuals", type=FILE_TYPES, key="judge_file",
        help="VCF, BCF, npz, npy, hapt, CSV or TSV, or a zip of PLINK bed, bim and fam. At most 200 MB.",
    )  # fmt: skip
    if file is None:
        st.caption(
            f"Their variants must be those of {plain(real)}: they are matched by id, else by contig, position and "
            "alleles. Nothing leaves this machine, and nothing is added to the library. On the command line: "
            f"`python -m core evaluate --real {real} --synthetic FILE --out report.html`."
        )
        return None
    return Request(names[real], Upload(file.name, file.getvalue()), names.get(holdout or ""))


def wanted(request: Request) -> bool:
    """A button; whether the reader has asked for exactly this."""
    if st.button("Judge", type="primary", icon=":material/play_arrow:", key="judge_start"):
        st.session_state[_ASKED] = hash(request)
    return bool(st.session_state.get(_ASKED) == hash(request))


def show(request: Request) -> None:
    """The scorecard, the warning signs, every number, and the report as a page to keep."""
    try:
        content, page = _done(request)
    except PopscapeError as error:
        st.error(plain(error), icon=":material/error:")
        return
    candidate = Candidate(request.file.name, request.file.name, Report(content))
    names = metric_names([candidate])
    chart(scorecard([candidate], headline([candidate])), key="judged", caption=scorecard_caption([candidate]))
    st.subheader("Warning signs")
    nothing = "No mode collapse, lost linkage, frequency distortion or copying was found."
    st.markdown("\n".join(signs(candidate)) or nothing)
    st.subheader("Every number")
    columns = table([candidate], names, None)
    st.dataframe(
        columns, hide_index=True, column_order=[name for name in columns if name != "Family"],
        alt=f"Values with 95% intervals of {len(names)} metrics for {request.file.name}.",
    )  # fmt: skip
    st.download_button(
        f"Report with all charts (HTML, {size(len(page))})", page, "report.html", "text/html", key="judge_download",
        on_click="ignore", icon=":material/download:", help="One page that opens without Popscape or a network.",
    )  # fmt: skip


@st.cache_data(max_entries=4, show_spinner="Measuring: frequencies, linkage, structure, neighbours, privacy…")
def _done(request: Request) -> tuple[dict[str, Any], bytes]:
    return judged(request.real, request.file, request.holdout, {})
