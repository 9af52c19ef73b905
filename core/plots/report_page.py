"""The comparison as one HTML file that needs nothing else: its charts are alive without a network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from plotly.io import to_html
from plotly.offline import get_plotlyjs

from core.plots.association import effects, manhattan
from core.plots.figure import Figure
from core.plots.linkage import decay
from core.plots.phenotypes import conditioned
from core.plots.precision_recall import curves
from core.plots.scorecard import scorecard
from core.reports import arrays
from core.reports.standing import Candidate, described, families, frame, marked, metric_names, standing
from core.words import number, parameters, sentence

_STYLE = """
body{font:15px/1.5 sans-serif;max-width:1060px;margin:2em auto;padding:0 1em;color:#222;background:#fff}
h2{margin-top:2em} small,figcaption{color:#666} figure{margin:0}
table{border-collapse:collapse;width:100%;margin:1em 0;font-size:13px}
th,td{text-align:left;padding:.35em .6em;border-bottom:1px solid #ddd;vertical-align:top;overflow-wrap:break-word}
th{border-bottom:2px solid #888} td.n{font-variant-numeric:tabular-nums}
@page{size:A4;margin:12mm}
@media print{body{margin:0;padding:0;font-size:12px} table{font-size:9px} .modebar{display:none!important}
h1,h2{break-after:avoid} figure,tr{break-inside:avoid} thead{display:table-header-group}}
"""
# Nothing may be fetched, whatever a name in the data says; the chart library draws its pictures as data.
_RULES = "default-src 'none';script-src 'unsafe-inline';style-src 'unsafe-inline';img-src data: blob:"
_PHENOTYPES = 2  # of each model whose studies are drawn: each takes the room of all its variants
_WIDTH, _STRIPS = 690, 8  # pixels between the margins of a printed page, strips of a chart that fit on it
_PRINT = f"""
const charts = () => document.querySelectorAll(".js-plotly-plot");
addEventListener("beforeprint", () => charts().forEach((one) => Plotly.relayout(one, {{width: {_WIDTH}}})));
addEventListener("afterprint", () => charts().forEach((one) => Plotly.relayout(one, {{width: null, autosize: true}})));
"""


def report_page(title: str, candidates: Sequence[Candidate], baseline: Candidate | None = None) -> str:
    """The HTML text: standing, every metric drawn and in numbers, curves, warning signs, how it was made."""
    names = metric_names(candidates)
    against = f" (▲ ▼ clearly better or worse than {escape(baseline.label)}, ≈ within noise)" if baseline else ""
    parts = [f"<h1>{escape(title)}</h1>", _standing(candidates, names), f"<p>Value and 95% interval{against}.</p>"]
    for family, group in families(candidates).items():
        parts.append(f"<h2>{escape(family)}</h2>")
        for start in range(0, len(group), _STRIPS):
            parts.append(_chart(scorecard(candidates, group[start : start + _STRIPS], baseline), f"chart-{len(parts)}"))
        parts.append(_numbers(candidates, group, baseline))
    for heading, figure in (
        ("Linkage with distance", decay(candidates)),
        ("Precision and recall", curves(candidates, ("precision", "recall"))),
    ):
        if figure:
            parts += [f"<h2>{heading}</h2>", _chart(figure, f"chart-{figure.name}")]
    parts += _associations(candidates)
    parts += [
        "<h2>Warning signs</h2>",
        _flags(candidates),
        "<h2>How this was measured</h2>",
        "<ul>" + "".join(f"<li>{escape(c.label)}: {escape(c.report.provenance())}</li>" for c in candidates) + "</ul>",
        _definitions(candidates, names),
    ]
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_RULES}">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><script>{get_plotlyjs()}</script>"
    )
    body = "".join(parts) + f"<script>{_PRINT}</script>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'


def _associations(candidates: Sequence[Candidate]) -> list[str]:
    """The studies of the first phenotypes in each model: along the genome, effect by effect, and predicted."""
    parts = []
    for k, c in enumerate(candidates):
        predictions = arrays.predictions(c.report)
        for phenotype, one in list(arrays.associations(c.report).items())[:_PHENOTYPES]:
            hits = [row for row in c.report.curve("association_hits") if row["phenotype"] == phenotype]
            figures = [manhattan(one, c), effects(one, hits, c)]
            figures += [conditioned(predictions[phenotype], c)] if phenotype in predictions else []
            parts.append(f"<h2>Association with {escape(phenotype)}: {escape(c.label)}</h2>")
            parts += [_chart(figure, f"chart-{figure.name}-{k}-{len(parts)}") for figure in figures]
    return parts


def _chart(figure: Figure, place: str) -> str:
    config = {"displaylogo": False, "responsive": True, "toImageButtonOptions": {"format": "svg", "filename": place}}
    drawn = to_html(figure.plot, config, include_plotlyjs=False, full_html=False, div_id=place)
    words = f"<figcaption>{escape(figure.caption)}</figcaption>" if figure.caption else ""
    return f'<figure role="group" aria-label="{escape(figure.alt)}">{drawn}{words}</figure>'


def _standing(candidates: Sequence[Candidate], names: Sequence[str]) -> str:
    rows = "".join(
        f"<li><b>{escape(label)}</b>: best, or within noise of the best, on {won} of {of} metrics</li>"
        for label, (won, of) in standing(candidates, names).items()
        if of
    )
    return f"<ul>{rows}</ul>" if rows else ""


def _numbers(candidates: Sequence[Candidate], names: Sequence[str], baseline: Candidate | None) -> str:
    rows = []
    for name in names:
        about = described(candidates, name)
        cells = [f"{escape(about.label)}<br><small>{about.goal}</small>", *map(number, frame(candidates, name))]
        rows.append([*cells, *(escape(marked(c, name, baseline)) for c in candidates)])
    return _table(["Metric", "Null", "Ceiling", *(c.label for c in candidates)], rows)


def _flags(candidates: Sequence[Candidate]) -> str:
    rows = [
        [escape(text) for text in (c.label, sentence(flag.name), flag.evidence, flag.advice)]
        for c in candidates
        for flag in c.flags
    ]
    return _table(["Model", "Sign", "Evidence", "What to do"], rows) if rows else "<p>None was found.</p>"


def _definitions(candidates: Sequence[Candidate], names: Sequence[str]) -> str:
    rows = []
    for name in names:
        about = described(candidates, name)
        params = next((text for c in candidates if (text := parameters(dict(c.metric(name).params)))), "")
        rows.append([escape(text) for text in (about.label, about.help, params)])
    return _table(["Metric", "Meaning", "Estimator"], rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f'<td class="n">{cell}</td>' for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
