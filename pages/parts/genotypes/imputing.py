"""What is to be imputed by which run, the work in a process of its own, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.commands.child import Upload, imputed
from core.config.catalogue import imputes, imputing_models
from core.errors import PopscapeError
from core.plots.imputation import accuracy_bars, accuracy_table
from core.runs.summary import RunSummary
from core.words import count, number, size
from pages.parts.chart import chart
from pages.parts.frame import fact, heading, nothing_yet, plain, refused_here
from pages.parts.reports import all_runs, dataset_name, label
from pages.parts.state import IMPUTE_RUN, IMPUTE_SHARE, choose

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

WHOM = HELD_OUT, FILE = ["Held-out individuals", "A file of mine"]
_SHARES = [0.25, 0.5, 0.75, 0.9]
_NOTHING = "Nothing"
_MOST = 100  # held-out individuals of the demonstration, which then takes some seconds
_ASKED = "impute_asked"
FILE_TYPES = ["vcf", "bcf", "gz", "bgz", "npz", "npy", "csv", "tsv", "txt", "hapt", "zip"]


@dataclass(frozen=True)
class Request:
    """What is imputed: a file, or (None) held-out individuals; its truth, if another file knows it.

    Attributes:
        settings: options of the command and their values.
    """

    run: str
    file: Upload | None
    truth: Upload | None
    settings: tuple[tuple[str, Any], ...]


def open_imputing(page: str) -> tuple[DeltaGenerator, RunSummary]:
    """Begin the page: its heading and the run that the reader chooses; the page ends here where none imputes."""
    runs = [run for run in all_runs() if run.kind == "genotypes" and run.has_report and imputes(run.model)]
    top = heading(page)
    if not runs:
        nothing_yet(
            "There is no model that imputes yet",
            f"These say how likely each genotype of a missing call is: {', '.join(imputing_models())}. The first takes "
            "minutes on the demo cohort: `python -m core train experiment=hidden_tree`.",
            train="Train one",
            datasets="Bring your own data",
        )
        st.stop()
    by_label = {label(run): run for run in runs}
    chosen = st.selectbox(
        "Model", list(by_label), key=IMPUTE_RUN, bind="query-params",
        help="A trained model that says how likely each genotype of a missing call is.",
    )  # fmt: skip
    return top, by_label.get(chosen or "") or runs[0]


def hidden_half(run: RunSummary) -> Request:
    """Held-out individuals of the run's own dataset, a share of whose variants is hidden."""
    st.markdown(
        f"Variants of held-out individuals of **{plain(dataset_name(run))}** are hidden, the same for everybody, as if "
        "a chip did not have them. The model fills them in, and the truth says how well."
    )
    share = choose(
        "Hide", _SHARES, default=0.5, key=IMPUTE_SHARE, bind="query-params",
        format_func=lambda value: f"{value:.0%} of the variants",
    )  # fmt: skip
    return Request(run.run, None, None, (("mask", share or 0.5), ("individuals", _MOST)))


def given_file(run: RunSummary) -> Request | None:
    """A file of the reader's; None until there is one."""
    if refused_here():
        return None
    left, right = st.columns([2, 1])
    with left:
        file = st.file_uploader(
            "Genotype file", type=FILE_TYPES, key="impute_file",
            help="VCF, BCF, npz, npy, hapt, CSV or TSV, or a zip of PLINK bed, bim and fam. At most 200 MB.",
        )  # fmt: skip
    with right:
        truth = st.file_uploader(
            "Truth (optional)", type=FILE_TYPES, key="impute_truth",
            help="The same individuals with the calls that the file lacks: says how well it went.",
        )  # fmt: skip
    hide = _NOTHING
    if truth is None:
        hide = choose(
            "Hide a share of its variants first, to see how well it goes", [_NOTHING, *_SHARES], default=_NOTHING,
            key="impute_hide", format_func=lambda v: v if isinstance(v, str) else f"{v:.0%}",
        ) or _NOTHING  # fmt: skip
    if file is None:
        st.caption(
            f"Its variants are matched with those of {plain(dataset_name(run))} by id, else by contig, position and "
            "alleles. Nothing leaves this machine, and nothing is added to the library."
        )
        return None
    settings = (("mask", hide),) if hide != _NOTHING else ()
    known = Upload(truth.name, truth.getvalue()) if truth is not None else None
    return Request(run.run, Upload(file.name, file.getvalue()), known, settings)


def asked(request: Request) -> bool:
    """A button; whether the reader has asked for exactly this."""
    if st.button("Impute", type="primary", icon=":material/play_arrow:", key="impute_start"):
        st.session_state[_ASKED] = hash(request)
    return bool(st.session_state.get(_ASKED) == hash(request))


def show(run: RunSummary, request: Request) -> None:
    """What was matched and imputed, how well, and the file."""
    try:
        answer, content = _done(request, run.ended)
    except PopscapeError as error:
        st.error(plain(error), icon=":material/error:")
        return
    whole = answer.get("accuracy", {}).get("all")
    of = f"of {answer['variants']:,} that the model knows"
    with st.container(horizontal=True):
        fact("Individuals", f"{answer['individuals']:,}")
        if request.file is not None:
            fact("Variants in the file", f"{answer['matched']:,}", of)
        elif whole:
            fact("Hidden variants", f"{whole['variants']:,}", of)
        fact("Imputed calls", f"{answer['imputed_calls']:,}")
        if whole:
            fact("r²", number(whole["r2"]), f"null {number(whole['null_r2'])}", help="Of imputed and true dosages.")
            fact("Concordance", f"{whole['concordance']:.1%}", f"null {whole['null_concordance']:.1%}")
        fact(
            "r² promised", number(answer["expected_r2"]), "mean of the variants",
            help="What the probabilities themselves promise, known without the truth.",
        )  # fmt: skip
    for note in answer["notes"]:
        st.caption(plain(note))
    if whole:
        _accuracy(run, answer)
    st.download_button(
        f"Imputed genotypes (VCF, {size(len(content))})", content, "imputed.vcf.gz", "application/gzip",
        on_click="ignore", icon=":material/download:", key="impute_download",
    )  # fmt: skip
    st.caption(
        "GT is the known or the most likely genotype, DS the dosage, GP the probability of each genotype; R2 is what "
        "they promise of a variant, and IMP marks one that was imputed for everybody."
    )


def _accuracy(run: RunSummary, answer: dict[str, Any]) -> None:
    bins = answer["accuracy"]["bins"]
    hidden = answer["accuracy"]["hidden"]
    caption = f"{count(answer['individuals'], 'individual')} of {plain(answer['file'])}; " + (
        f"hidden: {plain(hidden)}." if hidden else "against the truth that was given."
    )
    chart(accuracy_bars(bins, label(run), run.experiment or run.model), key="impute_accuracy", caption=caption)
    table = accuracy_table(bins)
    st.dataframe(
        table, hide_index=True, alt=f"Accuracy of imputation in {count(len(bins), 'bin')} of minor-allele frequency.",
        column_config={
            head: st.column_config.NumberColumn(format="%.3f" if "r²" in head or "Conc" in head else "localized")
            for head in list(table)[1:]
        },
    )  # fmt: skip
    st.caption(
        "r²: squared correlation of imputed and true dosages over all calls of a bin. Null: each call is given the "
        "frequency of its allele among the training individuals. Promised: what the probabilities say without the "
        "truth. Concordance: the most likely genotype is the true one."
    )


@st.cache_data(max_entries=6, show_spinner="The model fills in what is missing…")
def _done(request: Request, ended: str) -> tuple[dict[str, Any], bytes]:
    return imputed(request.run, request.file, request.truth, dict(request.settings))
