"""Figures of sets of sequences: logos, k-mers, lengths, composition, motifs, mutations, methylation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.modalities import kmers, profiles
from core.plots.figure import Figure, draw, grid, typed
from core.plots.samples import SOURCES
from core.plots.theme import BLUE, GREEN, ORANGE, PURPLE, REAL, SEQUENTIAL, SKY, VERMILLION
from core.words import number

Array = npt.NDArray[Any]
Sources = Mapping[str, Array]
"""Source ("Real", "Generated") → its sequences (n, l), −1 behind the end."""

_BASES = {"A": GREEN, "C": BLUE, "G": ORANGE, "T": VERMILLION, "U": VERMILLION, "M": PURPLE, "N": REAL}
# Amino acids by chemistry: hydrophobic, polar, acidic, basic, special.
_CHEMISTRY = {"AVILMFW": BLUE, "STNQY": GREEN, "DE": VERMILLION, "KRH": PURPLE, "CGP": ORANGE}
_NAMED = 8  # k-mers that are named in the spectrum
_POSITIONS = 120  # of the reference that are drawn in the profile of mutations
_GREY = "#7a7a7a"


def colours(alphabet: str) -> dict[str, str]:
    """The colour of each letter: bases as in logos, amino acids by their chemistry."""
    if set(alphabet) <= set(_BASES):
        return {letter: _BASES[letter] for letter in alphabet}
    known = {letter: colour for group, colour in _CHEMISTRY.items() for letter in group}
    return {letter: known.get(letter, SKY) for letter in alphabet}


def logo(sources: Sources, alphabet: str, first: int, width: int) -> Figure:
    """Logos of the sources, one below the other, and for two of them the difference of their shares.

    Positions `first` to `first` + `width` − 1, counted from 0. A column is as high as its information in bits, a
    letter in it as its share (Schneider & Stephens 1990).
    """
    part = slice(first, first + width)
    counts = {name: profiles.position_counts(x, len(alphabet))[part] for name, x in sources.items()}
    shares = {name: profiles.position_shares(one) for name, one in counts.items()}
    bits = {name: profiles.information(one) for name, one in counts.items()}
    heights = {name: shares[name] * bits[name][:, None] for name in sources}
    titles = [f"{name}: information" for name in sources]
    if len(sources) == 2:
        real, generated = shares.values()
        heights["difference"] = generated - real
        titles.append("Share of each letter, generated − real")
    plot = grid(len(heights), 1, titles, height=90 + 190 * len(heights), shared=False, vertical_spacing=0.1)
    at = np.arange(first + 1, first + 1 + len(next(iter(shares.values()))))
    for row, (name, height) in enumerate(heights.items()):
        unit = "" if name == "difference" else " bits"
        for trace in _stacked(height, at, alphabet, unit):
            plot.add_trace(trace, row=row + 1, col=1)
        plot.update_yaxes(title_text="Difference" if name == "difference" else "Bits", row=row + 1, col=1)
    top = max(0.1, *(float(one.sum(axis=1).max(initial=0)) for name, one in heights.items() if name != "difference"))
    for row in range(len(sources)):
        plot.update_yaxes(range=[0, 1.05 * top], row=row + 1, col=1)
    plot.update_layout(barmode="overlay", showlegend=False)
    plot.update_xaxes(range=[at[0] - 0.6, at[-1] + 0.6], showgrid=False)
    plot.update_xaxes(title_text="Position", row=len(heights), col=1)
    means = ", ".join(f"{name.lower()} {number(float(one.mean()))}" for name, one in bits.items())
    table: dict[str, Any] = {"position": np.repeat(at, len(alphabet)), "letter": list(alphabet) * len(at)}
    for name in sources:
        table |= {f"{name} share": shares[name].ravel(), f"{name} bits": np.repeat(bits[name], len(alphabet))}
    return Figure(
        name="logo",
        plot=plot,
        alt=f"Logos of positions {at[0]} to {at[-1]}: mean information in bits, {means}.",
        table=table,
    )


def _stacked(height: Array, at: Array, alphabet: str, unit: str) -> list[go.Bar]:
    """A trace for each letter; positive heights (l, letters) are stacked upwards, the largest on top, others down."""
    up, down = np.maximum(height, 0), np.minimum(height, 0)
    base = np.zeros_like(height)
    for part, key in ((up, up), (down, -down)):
        order = np.argsort(key, axis=1, kind="stable")
        stacked = np.take_along_axis(part, order, axis=1)
        below = np.zeros_like(height)
        np.put_along_axis(below, order, stacked.cumsum(axis=1) - stacked, axis=1)
        base = np.where(part != 0, below, base)
    palette = colours(alphabet)
    traces = []
    for i, letter in enumerate(alphabet):
        seen = np.abs(height[:, i]) > 1e-3
        if not seen.any():
            continue
        traces.append(
            go.Bar(
                x=at[seen], y=typed(height[seen, i]), base=typed(base[seen, i]), name=escape(letter), width=0.94,
                marker={"color": palette[letter], "line": {"width": 0}}, text=[escape(letter)] * int(seen.sum()),
                textposition="inside", insidetextanchor="middle", textangle=0, constraintext="inside",
                insidetextfont={"size": 20, "color": "#ffffff"},
                hovertemplate=f"<b>{escape(letter)}</b> at %{{x}}: %{{y:.3f}}{unit}<extra></extra>",
            )
        )  # fmt: skip
    return traces


def spectrum(sources: Sources, alphabet: str) -> Figure:
    """The share of each word of the longest length that is counted, generated against real, with the diagonal."""
    k = kmers.orders(len(alphabet))
    names = kmers.names(alphabet)
    last = slice(len(names) - len(alphabet) ** k, None)
    real, generated = (profiles.word_shares(x, len(alphabet))[last] * k for x in sources.values())
    words = names[last]
    far = np.argsort(-np.abs(generated - real), kind="stable")[:_NAMED]
    top = float(max(real.max(), generated.max(), 1e-9)) * 1.05
    line = go.Scatter(
        x=[0, top], y=[0, top], mode="lines", line={"color": REAL, "dash": "dash"}, hoverinfo="skip", showlegend=False
    )
    points = go.Scatter(
        x=typed(real), y=typed(generated), mode="markers+text", showlegend=False,
        text=[escape(word) if i in set(far.tolist()) else "" for i, word in enumerate(words)],
        textposition="top center", textfont={"color": _GREY}, customdata=[escape(word) for word in words],
        marker={"color": BLUE, "size": 6, "opacity": 0.6},
        hovertemplate="<b>%{customdata}</b><br>real %{x:.3%}, generated %{y:.3%}<extra></extra>",
    )  # fmt: skip
    named = ", ".join(f"{words[i]} ({real[i]:.2%} real, {generated[i]:.2%} generated)" for i in far[:3])
    return Figure(
        name="kmers",
        plot=draw(
            [line, points], height=480, width=620,
            xaxis={"title": f"Share among real words of {k} letters", "range": [0, top], "tickformat": ".2%"},
            yaxis={"title": "Share among generated ones", "range": [0, top], "tickformat": ".2%"},
        ),
        alt=f"Shares of words of {k} letters; they differ most for {named}.",
        table={"word": words, "real": real, "generated": generated},
        caption=f"Largest deviations: {named}.",
    )  # fmt: skip


def lengths(sources: Sources) -> Figure:
    """How many letters sequences have, as shares of each source."""
    length = {name: profiles.lengths(x) for name, x in sources.items()}
    everything = np.concatenate(list(length.values()))
    edges = np.histogram_bin_edges(everything, bins=min(40, int(np.ptp(everything)) + 1))
    if np.ptp(everything) == 0:
        edges = np.array([everything[0] - 0.5, everything[0] + 0.5])
    middles, columns = (edges[1:] + edges[:-1]) / 2, {}
    for name, values in length.items():
        columns[name] = np.histogram(values, edges)[0] / len(values)
    means = ", ".join(f"{name.lower()} {number(float(values.mean()))}" for name, values in length.items())
    return _bars("lengths", [f"{m:g}" for m in middles], columns, "Letters", f"Lengths in letters: on average {means}.")


def composition(sources: Sources, alphabet: str) -> Figure:
    """The mean share of each letter, for each source."""
    columns = {name: profiles.composition(x, len(alphabet)) for name, x in sources.items()}
    real, generated = columns.values()
    i = int(np.abs(generated - real).argmax())
    said = f"Letters differ most in {alphabet[i]}: {real[i]:.1%} of the real, {generated[i]:.1%} of the generated."
    return _bars("composition", list(alphabet), columns, "Letter", said)


def counts(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Sequences in 1,000 that carry each motif (rows: "motif", "real", "generated", "shuffled")."""
    columns = {
        title: np.array([row[key] for row in rows])
        for title, key in (("Real", "real"), ("Generated", "generated"), ("Real, shuffled (null)", "shuffled"))
    }
    first = rows[0]
    said = (
        f"Of 1,000 sequences {first['motif']} is in {first['real']:.0f} real, {first['generated']:.0f} generated and "
        f"{first['shuffled']:.0f} shuffled ones."
    )
    names = [str(row["motif"]) for row in rows]
    return _bars("motifs", names, columns, "Motif", said, side="Sequences in 1,000", form=".0f")


def _bars(
    name: str, at: Sequence[str], columns: Mapping[str, Array], title: str, alt: str, *, side: str = "Share",
    form: str = ".1%",
) -> Figure:  # fmt: skip
    looks = {**SOURCES, "Real, shuffled (null)": ORANGE}
    traces = [
        go.Bar(
            x=[escape(one) for one in at], y=typed(values), name=source, marker={"color": looks[source]},
            hovertemplate=f"<b>{source}</b><br>%{{x}}: %{{y:{form}}}<extra></extra>",
        )
        for source, values in columns.items()
    ]  # fmt: skip
    category = {"title": title, "type": "category", "showgrid": False}
    value = {"title": side, "rangemode": "tozero", "tickformat": form}
    return Figure(
        name=name,
        plot=draw(traces, height=330, barmode="group", xaxis=category, yaxis=value),
        alt=alt,
        table={title.lower(): list(at), **columns},
    )


def mutations(shares: Mapping[str, Array], order: Sequence[str], reference: str) -> Figure:
    """Share of the sequences of each ordered set that differ from the reference, by position: real, generated.

    Of a reference of more than `_POSITIONS` letters the positions that differ most are drawn, side by side: of a
    thousand a column is narrower than a pixel. The table has them all.
    """
    every = np.arange(1, next(iter(shares.values())).shape[1] + 1)
    most = np.nanmax(np.nan_to_num(np.concatenate(list(shares.values()))), axis=0)
    drawn = np.sort(np.argsort(-most, kind="stable")[:_POSITIONS])
    drawn = drawn[most[drawn] > 0] if (most > 0).any() else drawn
    few = len(every) > _POSITIONS
    at = [str(t) for t in every[drawn]] if few else every
    plot = grid(len(shares), 1, list(shares), height=120 + 250 * len(shares), vertical_spacing=0.14)
    for row, (name, share) in enumerate(shares.items()):
        cells = go.Heatmap(
            z=typed(share[:, drawn] if few else share), x=at, y=typed(range(len(order))),
            text=[[escape(one)] * len(at) for one in order], zmin=0, zmax=1, colorscale=SEQUENTIAL,
            showscale=row == 0, colorbar={"title": {"text": "Differ"}, "thickness": 12},
            hovertemplate=f"<b>{name}</b>, %{{text}}<br>position %{{x}}: %{{z:.1%}} differ<extra></extra>",
        )  # fmt: skip
        plot.add_trace(cells, row=row + 1, col=1)
    step = max(1, -(-len(order) // 12))
    ticks = list(range(0, len(order), step))
    plot.update_yaxes(tickvals=ticks, ticktext=[escape(order[i]) for i in ticks], autorange="reversed", showgrid=False)
    plot.update_xaxes(showgrid=False, **({"type": "category", "nticks": 30} if few else {}))
    title = f"Position in the reference, the {len(at)} that differ most" if few else "Position in the reference"
    plot.update_xaxes(title_text=title, row=len(shares), col=1)
    real = next(iter(shares.values()))
    place = int(np.nanmax(np.nan_to_num(real), axis=0).argmax()) + 1
    return Figure(
        name="mutations",
        plot=plot,
        alt=f"Share of sequences that differ from {reference} in {len(order)} ordered sets; most at position {place}.",
        table={
            "set": np.repeat(list(order), len(every)),
            "position": np.tile(every, len(order)),
            **{name: share.ravel() for name, share in shares.items()},
        },
    )


def methylation(
    counts: Mapping[str, npt.NDArray[np.int64]], shares: Mapping[str, Array], at: npt.NDArray[np.int64]
) -> Figure:
    """Methylated share at each CpG position for each source, in markers whose area is the number of CpGs."""
    most = max(int(n.max()) for n in counts.values())
    ends = np.array(list(shares.values()))
    # CpGs have nothing between them, so that a line from one to the next would show what is not there.
    difference = go.Scatter(
        x=typed(np.repeat(at, len(ends) + 1)), y=typed(np.vstack([ends, np.full(len(at), np.nan)]).T.ravel()),
        mode="lines", line={"color": REAL, "width": 1}, opacity=0.5, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    markers = [
        go.Scatter(
            x=at, y=typed(values), name=name, mode="markers", cliponaxis=False, customdata=counts[name],
            marker={
                "color": SOURCES[name], "size": counts[name], "sizemode": "area", "sizemin": 3, "opacity": 0.85,
                "sizeref": 2 * most / 14**2,
            },
            hovertemplate=f"<b>{name}</b><br>position %{{x}}: %{{y:.1%}} of %{{customdata}}<extra></extra>",
        )
        for name, values in shares.items()
    ]  # fmt: skip
    means = ", ".join(f"{name.lower()} {np.nansum(shares[name] * n) / n.sum():.1%}" for name, n in counts.items())
    return Figure(
        name="methylation",
        plot=draw(
            [difference, *markers], height=360, xaxis={"title": "Position of the CpG from the first letter"},
            yaxis={"title": "Methylated share", "range": [-0.02, 1.02], "tickformat": ".0%"},
        ),
        alt=f"Methylated share at {len(at)} positions: on average {means}.",
        table={"position": at, **shares, **{f"{name}, CpGs": n for name, n in counts.items()}},
    )  # fmt: skip
