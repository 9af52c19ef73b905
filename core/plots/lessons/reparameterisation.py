"""The figures of lesson 3: histograms of single-sample gradients, and two VAEs that learn."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.lessons.reparameterisation import REPARAMETERISATION, SCORE, STEPS, Gradients, Training
from core.plots.figure import Figure, grid, nth, typed
from core.plots.theme import BLUE, ORANGE, REAL, population_colours, population_symbols
from core.words import number

_COLOURS = {SCORE: ORANGE, REPARAMETERISATION: BLUE}
_BINS = 81
_DEVIATIONS = 3.5  # of the score function, to either side


def histograms(result: Gradients) -> Figure:
    """Single-sample gradients, by score function above and by reparameterisation below, on one scale."""
    titles = [f"<b>{SCORE}</b>", f"<b>{REPARAMETERISATION}</b>"]
    plot = grid(2, 1, titles, height=460, shared_xaxes=True, vertical_spacing=0.16)
    reach = _DEVIATIONS * float(result.score.std())
    edges = np.linspace(result.exact - reach, result.exact + reach, _BINS + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    shares = {}
    for row, (name, samples) in enumerate(((SCORE, result.score), (REPARAMETERISATION, result.path)), start=1):
        # What lies outside is counted at the ends.
        inside = np.clip(samples, edges[0] + 1e-9, edges[-1] - 1e-9)
        shares[name] = np.histogram(inside, edges)[0] / len(samples)
        plot.add_trace(
            go.Bar(
                x=typed(middle), y=typed(shares[name]), name=name, marker={"color": _COLOURS[name]}, showlegend=False,
                hovertemplate="about %{x:.2f}: %{y:.1%} of the samples<extra></extra>",
            ),
            row=row,
            col=1,
        )  # fmt: skip
        top = float(shares[name].max()) * 1.1
        plot.add_trace(
            go.Scatter(
                x=[result.exact] * 2, y=[0, top], mode="lines", line={"color": REAL, "width": 2, "dash": "dash"},
                name="exact gradient", showlegend=row == 1, hoverinfo="skip",
            ),
            row=row,
            col=1,
        )  # fmt: skip
        plot.update_yaxes(title="Samples", tickformat=".0%", nticks=4, range=[0, top], row=row)
    plot.update_xaxes(title="Gradient from one sample", range=[edges[0], edges[-1]], row=2)
    plot.update_layout(bargap=0, legend={"y": 1.02, "x": 1, "xanchor": "right"})
    score, path = result.variances
    return Figure(
        name="single_sample_gradients",
        plot=plot,
        alt=(
            f"Gradients from one sample scatter around {number(result.exact)} with variance {number(score)} by score "
            f"function and {number(path)} by reparameterisation."
        ),
        table={"gradient": middle, "score_function": shares[SCORE], "reparameterisation": shares[REPARAMETERISATION]},
        caption=(
            f"{len(result.path):,} samples of z ~ N(0, {result.spread:g}²), {result.latents} latents; gradient of the "
            "cost of one call of 2 for each latent, by the mean of the first."
        ),
    )


def trainings(training: Training) -> Figure:
    """The latent planes of both VAEs, and their losses so far."""
    titles = [f"<b>{REPARAMETERISATION}</b>", f"<b>{SCORE}</b>", "<b>Loss</b>"]
    places = [[{}, {}], [{"colspan": 2}, None]]
    plot = grid(2, 2, titles, height=560, specs=places, row_heights=[0.6, 0.4], vertical_spacing=0.17)
    latents = training.latents()
    labels = list(dict.fromkeys(training.population.tolist()))
    colours, symbols = population_colours(labels), population_symbols(labels)
    reach = max(2.5, *(float(np.abs(z).max()) * 1.05 for z in latents.values()))
    for panel, way in enumerate((REPARAMETERISATION, SCORE)):
        for label in labels:
            z = latents[way][training.population == label]
            plot.add_trace(
                go.Scatter(
                    x=typed(z[:, 0]), y=typed(z[:, 1]), mode="markers", name=label, legendgroup=label,
                    showlegend=not panel, marker={"color": colours[label], "symbol": symbols[label], "size": 6},
                    opacity=0.75, hovertemplate="%{x:.2f}, %{y:.2f}<extra>%{fullData.name}</extra>",
                ),
                row=1,
                col=panel + 1,
            )  # fmt: skip
        plot.update_xaxes(range=[-reach, reach], selector={"anchor": f"y{nth(panel)}"})
        plot.update_yaxes(range=[-reach, reach], selector={"anchor": f"x{nth(panel)}"})
        loss = training.losses[way]
        plot.add_trace(
            go.Scatter(
                x=typed(np.arange(1, len(loss) + 1)), y=typed(loss), mode="lines", name=way, showlegend=False,
                line={"color": _COLOURS[way], "dash": "dot" if panel else "solid"},
                hovertemplate="step %{x}: %{y:.1f}<extra>%{fullData.name}</extra>",
            ),
            row=2,
            col=1,
        )  # fmt: skip
        if loss:
            plot.add_annotation(
                text=way.lower(), x=len(loss), y=loss[-1], xref="x3", yref="y3", showarrow=False, yanchor="middle",
                xanchor="left" if len(loss) < 0.6 * STEPS else "right", yshift=8 if panel else -8, xshift=4,
            )  # fmt: skip
    plot.update_xaxes(title="Step", range=[0, STEPS], row=2)
    plot.update_yaxes(title="nats", row=2)
    plot.update_layout(legend={"y": 1.06, "x": 1, "xanchor": "right"})
    n = len(training.population)
    return Figure(
        name="two_trainings_of_a_vae",
        plot=plot,
        # Constant while it trains.
        alt="Latent planes of a VAE trained by reparameterisation and by score function, and the loss of both.",
        table={
            "population": training.population, "reparameterisation_1": latents[REPARAMETERISATION][:, 0],
            "reparameterisation_2": latents[REPARAMETERISATION][:, 1], "score_function_1": latents[SCORE][:, 0],
            "score_function_2": latents[SCORE][:, 1],
        },
        caption=(
            f"{n} individuals of three populations, 60 variants, two latents; same start, same noise, same steps. "
            "Loss: what it costs to tell an individual through the latents (negative evidence lower bound)."
        ),
    )  # fmt: skip
