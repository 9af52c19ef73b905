"""Privacy: does the model give away the individuals that it was trained on?"""

import streamlit as st

from core.plots import privacy
from core.reports import arrays
from core.words import number
from pages.parts.chart import chart
from pages.parts.frame import fact, share, tabs
from pages.parts.reports import SHOWN_FIRST, judged, open_one
from pages.parts.state import DATASET, PRIVACY_ATTACK, PRIVACY_VIEW, RUN, choose

SIDES, ATTACK, EXPOSED, RELATIVES = VIEWS = [
    "Training and holdout",
    "Membership inference",
    "Most exposed",
    "Relatives",
]
ATTACKS = {"Distance": "synthetic", "Distance, calibrated": "calibrated"}
OLD = "The reports of these runs hold none of this; evaluate them again."
FIRST = 50  # individuals listed before the reader selects some
COLUMNS = {
    "distance": "Between the calls of the synthetic individual and of its nearest training individual.",
    "chance as near": "Probability that a real individual never seen lies as near to its nearest training individual.",
    "distance to holdout": "Between the calls of the synthetic individual and of its nearest holdout individual.",
    "chance as near to holdout": "The same probability, of the distance to the holdout.",
}
LIMITS = (
    "**What these attacks cannot show.** They try one kind of attacker, who sees the synthetic individuals and "
    "measures distances over all variants. One who knows the model, a few rare variants, a phenotype or a family may "
    "see more. A good result is no proof of privacy, and replaces neither differential privacy nor consent."
)

top, runs, chosen = open_one("privacy")
report = chosen.report
candidates = [chosen, *(c for run in runs[:SHOWN_FIRST] if (c := judged(run)) and c.label != chosen.label)]
caption = report.provenance()
if report.judged != "holdout":
    st.info(
        "No individuals were held out, so nothing says how near a stranger comes: the attacks need a holdout, and what "
        "is shown compares real individuals with each other. Split the dataset at import to see more.",
        icon=":material/info:",
    )


def metrics(*names: str) -> None:
    """A line of the chosen model's numbers, each with its ceiling; reasons where there is no number."""
    with st.container(horizontal=True):
        for name in names:
            entry = chosen.metric(name)
            usual = f"real individuals {number(entry.ceiling)}" if entry.ceiling is not None else entry.goal
            said = usual if entry.value is not None else "no value"
            help = f"{entry.help} {entry.reason or f'95% interval {entry.shown}.'}"
            fact(entry.label, number(entry.value), said, help=help)
    for reason in dict.fromkeys(r for name in names if (r := chosen.metric(name).reason)):
        st.caption(reason)


def exposed() -> None:
    """The synthetic individuals that lie nearest to training individuals, and who these are."""
    metrics("exposed_share", "nearest_record_ratio", "copies", "duplicates")
    chart(privacy.exposure_histogram(chosen), key="exposure", caption=caption, otherwise=OLD)
    stored = arrays.exposure(report)
    if stored is None:
        return
    st.subheader(
        "Individuals", help="Near to a training individual and far from the holdout: remembered. Near to both: typical."
    )
    figure = privacy.exposed(stored, chosen)
    picked = chart(figure, key="exposed", caption=caption, select=("box", "lasso", "points")).points if figure else []
    rows = [int(row) for row in picked] or list(range(min(FIRST, len(stored.distance))))
    table = privacy.exposed_table(stored, rows)
    st.dataframe(
        table, hide_index=True, alt="Synthetic individuals with their nearest training individual.",
        column_config={
            name: st.column_config.NumberColumn(format="%.3g", help=help) for name, help in COLUMNS.items()
        },
    )  # fmt: skip
    which = (
        "The individuals inside." if picked else f"The {len(rows)} most exposed; drag a box around points for others."
    )
    st.caption(f"{which} All of them are in the numbers that the chart saves; the table saves what it shows.")


view, place = tabs(VIEWS, PRIVACY_VIEW)
with place:
    if view == SIDES:
        metrics("aats_train", "aats", "privacy_loss", "nearest_train_share")
        nothing = "AATS against both sides needs a holdout."
        chart(privacy.sides(candidates), key="aats_sides", caption=caption, otherwise=nothing)
        table = privacy.side_by_side(report)
        if table:
            st.table(table, hide_index=True, alt="Nearest individuals among training individuals and holdout.")
        chart(privacy.distances(chosen), key="nearest_distances", caption=caption, otherwise=OLD)
    elif view == ATTACK:
        st.markdown(
            "An attacker holds the synthetic individuals and the genotype of somebody. Was that one in the training "
            "set? The nearer the nearest synthetic individual, the more the attacker believes so.",
            help="Calibrated: the distance is divided by that to the nearest individual of a reference population "
            "(the holdout), because members of dense populations are near to everything.",
        )
        metrics("membership_auc", "membership_auc_calibrated", "membership_tpr")
        attack = choose("Attack", list(ATTACKS), default="Distance", key=PRIVACY_ATTACK, bind="query-params")
        figure = privacy.roc(candidates, ATTACKS[attack])
        chart(figure, key="roc", caption=caption, otherwise="The attack needs a holdout, and a report that has it.")
    elif view == EXPOSED:
        exposed()
    else:
        st.markdown(
            "Do the families of the training individuals come back? Kinship tells how much of two genomes is shared by "
            "descent; counted are the individuals whose closest relative in the training set is as near as below.",
            help="Kinship replay is how much more of the synthetic individuals have such a relative than of real ones "
            "that were never seen: above 0, the model repeats families.",
        )
        metrics("kinship_replay")
        note = (
            "In a short region strangers share whole haplotypes and look like kin: read every bar beside the grey one."
        )
        chart(privacy.relatives(candidates), key="relatives", caption=f"{caption} {note}", otherwise=OLD)
st.markdown(LIMITS)
share(DATASET, RUN, PRIVACY_VIEW, PRIVACY_ATTACK, place=top)
