"""The comparison as one HTML file that needs nothing else: no script, no network, the chart inside as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from core.plots.render import render
from core.plots.strips import strips
from core.reports.standing import Candidate, described, frame, marked, metric_names, standing
from core.words import number, parameters, sentence

_STYLE = """
body{font:15px/1.5 sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;width:100%;margin:1em 0;font-size:13px}
th,td{text-align:left;padding:.35em .6em;border-bottom:1px solid #ddd;vertical-align:top}
th{border-bottom:2px solid #888} td.n{font-variant-numeric:tabular-nums;white-space:nowrap}
small{color:#666} svg{max-width:100%;height:auto} h2{margin-top:2em}
"""


def report_page(title: str, candidates: Sequence[Candidate], baseline: Candidate | None = None) -> str:
    """The HTML text: standing, chart, every metric with interval, null and ceiling, warning signs, how it was made."""
    names = metric_names(candidates)
    chart = render(strips(candidates, names), "svg").decode()
    parts = [
        f"<h1>{escape(title)}</h1>",
        _standing(candidates, names),
        "<h2>Metrics</h2>",
        chart,
        _table(candidates, names, baseline),
        "<h2>Warning signs</h2>",
        _flags(candidates),
        "<h2>How this was measured</h2>",
        "<ul>" + "".join(f"<li>{escape(c.label)}: {escape(c.report.provenance())}</li>" for c in candidates) + "</ul>",
        _definitions(candidates, names),
    ]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'


def _standing(candidates: Sequence[Candidate], names: Sequence[str]) -> str:
    rows = "".join(
        f"<li><b>{escape(label)}</b>: best, or within noise of the best, on {won} of {of} metrics</li>"
        for label, (won, of) in standing(candidates, names).items()
    )
    return f"<ul>{rows}</ul>"


def _table(candidates: Sequence[Candidate], names: Sequence[str], baseline: Candidate | None) -> str:
    against = f" (▲ ▼ clearly better or worse than {escape(baseline.label)}, ≈ within noise)" if baseline else ""
    head = "".join(
        f"<th>{escape(t)}</th>" for t in ("Family", "Metric", "Null", "Ceiling", *(c.label for c in candidates))
    )
    body = "".join(_row(candidates, name, baseline) for name in names)
    return f"<p>Value and 95% interval{against}.</p><table><tr>{head}</tr>{body}</table>"


def _row(candidates: Sequence[Candidate], name: str, baseline: Candidate | None) -> str:
    about = described(candidates, name)
    metric = f"{escape(about.label)}<br><small>{escape(about.goal)}</small>"
    cells = [escape(about.family), metric, *map(number, frame(candidates, name))]
    cells += [escape(marked(c, name, baseline)) for c in candidates]
    return "<tr>" + "".join(f'<td class="n">{cell}</td>' for cell in cells) + "</tr>"


def _flags(candidates: Sequence[Candidate]) -> str:
    rows = "".join(
        f"<tr><td>{escape(c.label)}</td><td>{escape(sentence(f.name))}</td>"
        f"<td>{escape(f.evidence)}</td><td>{escape(f.advice)}</td></tr>"
        for c in candidates
        for f in c.flags
    )
    head = "<tr><th>Model</th><th>Sign</th><th>Evidence</th><th>What to do</th></tr>"
    return f"<table>{head}{rows}</table>" if rows else "<p>None was found.</p>"


def _definitions(candidates: Sequence[Candidate], names: Sequence[str]) -> str:
    rows = []
    for name in names:
        about = described(candidates, name)
        params = next((p for c in candidates if (p := parameters(c.metric(name).params))), "")
        rows.append(f"<tr><td>{escape(about.label)}</td><td>{escape(about.help)}</td><td>{escape(params)}</td></tr>")
    return f"<table><tr><th>Metric</th><th>Meaning</th><th>Estimator</th></tr>{''.join(rows)}</table>"
