"""Association: would a study of synthetic individuals find what a study of real ones finds?"""

import streamlit as st

from core.plots.scorecard import scorecard
from core.reports import arrays
from core.words import count
from pages.parts.chart import chart
from pages.parts.frame import nothing_yet, plain, share, tabs
from pages.parts.genotypes.association import Chosen, along_the_genome, condition, prediction, quantiles_and_effects
from pages.parts.reports import SHOWN_FIRST, judged, open_one, scorecard_caption
from pages.parts.state import ASSOCIATION_PHENOTYPE, ASSOCIATION_VIEW, DATASET, RUN

GENOME, QUANTILES, PREDICTION, CONDITION, MODELS = VIEWS = [
    "Along the genome",
    "Quantiles and effects",
    "Prediction",
    "Condition",
    "All models",
]
FAMILIES = ("Association", "Prediction")

top, runs, chosen = open_one("association")
report = chosen.report
studies = {row["phenotype"]: row for row in report.curve("association")}


def models(names: list[str]) -> None:
    """The scorecard of all models of the dataset."""
    others = [c for run in runs[:SHOWN_FIRST] if (c := judged(run)) and c.label != chosen.label]
    candidates = [chosen, *others]
    note = "Associations have all real individuals for reference, and their halves for ceiling."
    caption = f"{scorecard_caption(candidates)} {note}"
    chart(scorecard(candidates, names), key="association_models", caption=caption)


if report.analysis("association") is None:
    st.info("The report of this run holds no association; evaluate it again.", icon=":material/info:")
    st.stop()
if not studies:
    reason = chosen.metric("gwas_effect_r").reason or "The report holds no study."
    nothing_yet("No phenotype could be studied", reason, datasets="Import a cohort with its table of individuals")
    if chosen.metric("tstr_accuracy").value is not None:
        st.subheader("Populations learned from synthetic individuals")
        models(["tstr_accuracy"])
    share(DATASET, RUN, place=top)
    st.stop()

phenotype = st.selectbox(
    "Phenotype", list(studies), key=ASSOCIATION_PHENOTYPE, bind="query-params",
    help="A number that each real individual has, and that synthetic individuals were asked for.",
)  # fmt: skip
study = studies[phenotype]
if study.get("reason"):
    st.info(f"**{plain(phenotype)}**: {plain(study['reason'])}", icon=":material/info:")
    share(DATASET, RUN, ASSOCIATION_PHENOTYPE, place=top)
    st.stop()

scores = next((row for row in report.curve("prediction") if row["phenotype"] == phenotype), {})
whom = " (training and held-out)," if report.judged == "holdout" else ","
caption = (
    f"{study['n']:,} synthetic and {study['n_real']:,} real individuals{whom} "
    f"{count(study['variants'], 'variant')}; taken out: {study['covariates']}; seed {report.seed}."
)
one = Chosen(chosen, phenotype, study, scores, caption)
predictions = arrays.predictions(report).get(phenotype)
view, place = tabs(VIEWS, ASSOCIATION_VIEW)
with place:
    if view == GENOME:
        along_the_genome(one)
    elif view == QUANTILES:
        quantiles_and_effects(one)
    elif view == MODELS:
        models([name for name, metric in report.metrics.items() if metric.family in FAMILIES])
    elif predictions is None:
        st.info("The report of this run holds no predictions; evaluate it again.", icon=":material/info:")
    elif view == PREDICTION:
        prediction(one, predictions)
    else:
        condition(one, predictions)
share(DATASET, RUN, ASSOCIATION_PHENOTYPE, ASSOCIATION_VIEW, place=top)
