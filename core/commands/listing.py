"""datasets, runs, models, metrics, formats, experiments, catalogue: what there is."""

from __future__ import annotations

import argparse
from typing import Any

from core.commands.answer import Answer, Command
from core.commands.tables import number, table


def _nothing(parser: argparse.ArgumentParser) -> None:
    """These verbs take no arguments of their own."""


def _datasets(options: argparse.Namespace) -> Answer:
    from core.data.description import kind_of, size_of
    from core.data.library import Library

    metas = Library().list()
    value = [{"dataset": m.id, **{k: v for k, v in m.to_dict().items() if k != "id"}} for m in metas]
    rows = [[m.name, m.id, kind_of(m), size_of(m)] for m in metas]
    text = table(["name", "dataset", "kind", "size"], rows)
    return Answer({"datasets": value}, text if metas else "No dataset yet: `python -m core import FILE`.")


def _runs(options: argparse.Namespace) -> Answer:
    from core.runs.store import RunStore
    from core.runs.summary import to_json

    summaries = RunStore().list()
    rows = [
        [s.run[:12], s.state, s.model, s.dataset_name, f"{s.epoch}/{s.epochs}", s.created[:19], s.reason]
        for s in summaries
    ]
    text = table(["run", "state", "model", "dataset", "epoch", "created (UTC)", "reason"], rows)
    value = {"runs": [to_json(s) for s in summaries]}
    return Answer(value, text if summaries else "No run yet: `python -m core train experiment=wgan_gp`.")


def _models(options: argparse.Namespace) -> Answer:
    from core.config.catalogue import catalogue

    listed = {section: catalogue()[section] for section in ("models", "encoders", "generators", "mixers")}
    described = []
    for section, entries in listed.items():
        node = section.removesuffix("s")
        for one in entries:
            rows = [[f"  {node}.{s['name']}", str(s["default"]), s["help"]] for s in one["settings"]]
            settings = table(["  setting", "default", "meaning"], rows) if rows else "  no settings"
            takes = f"\n  takes: {', '.join(one['takes'])}" if one["takes"] else ""
            head = f"{node}={one['name']} ({one['title']}): {one['help']}\n  source: {one['source']}{takes}"
            described.append(f"{head}\n{settings}")
    return Answer(listed, "\n\n".join(described))


def _declare_metrics(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--markdown", action="store_true", help="print docs/metrics.md")


def _metrics(options: argparse.Namespace) -> Answer:
    if options.markdown:
        from core.evaluation.documentation import markdown

        return Answer(None, markdown().rstrip("\n"))
    from core.config.catalogue import catalogue

    metrics = catalogue()["metrics"]
    better = [m["direction"] if m["target"] is None else f"near {number(m['target'])}" for m in metrics]
    rows = [[m["name"], m["family"], b, m["help"]] for m, b in zip(metrics, better, strict=True)]
    return Answer({"metrics": metrics}, table(["metric", "family", "better", "definition"], rows))


def _declare_formats(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--markdown", action="store_true", help="print docs/formats.md")


def _formats(options: argparse.Namespace) -> Answer:
    if options.markdown:
        from core.data.intake.documentation import markdown

        return Answer(None, markdown().rstrip("\n"))
    from core.config.catalogue import catalogue

    listed = {section: catalogue()[section] for section in ("formats", "foreign")}
    rows = [[one["title"], one["kind"], one["help"]] for one in listed["formats"]]
    rows += [[one["title"], "not read", one["advice"]] for one in listed["foreign"]]
    return Answer(listed, table(["format", "kind", "what is read, or what to do"], rows))


def _experiments(options: argparse.Namespace) -> Answer:
    from core.config.experiments import load, names, presets

    experiments = [{**load(name), "presets": presets(name)} for name in names()]
    rows = [
        [e["name"], e["dataset"].get("name", ""), ", ".join(e["presets"]), e.get("budget", ""), e["help"]]
        for e in experiments
    ]
    header = ["experiment", "dataset", "presets", "budget", "what it is"]
    return Answer({"experiments": experiments}, table(header, rows))


def _catalogue(options: argparse.Namespace) -> Answer:
    """List everything anew (this is the child process of core.config.catalogue) and write its file."""
    from core.config.catalogue import digest, write

    listed = {"digest": digest(), **collect()}
    write(listed)
    sections = [f"{len(v)} {k}" for k, v in listed.items() if isinstance(v, list)]
    return Answer(listed, f"The catalogue holds {', '.join(sections)}.")


def collect() -> dict[str, Any]:
    """The catalogue as the registries and presets of this process have it, but for its digest."""
    from core.config.evaluation import EvaluationConfig
    from core.config.experiments import load, names
    from core.config.schema import describe
    from core.config.training import TrainingConfig
    from core.data.intake.documentation import described
    from core.data.intake.foreign import FOREIGN
    from core.data.intake.formats.base import formats
    from core.evaluation.registry import metrics
    from core.models.base import Trainable
    from core.models.gde.base import encoders, generators
    from core.models.gde.mixers import mixers
    from core.models.registry import models
    from core.registry import Entry

    def entry(one: Entry[Any]) -> dict[str, Any]:
        words = {key: getattr(one, key) for key in ("name", "title", "colour", "kind", "takes", "help", "source")}
        return words | {"settings": describe(one.config) if one.config else []}

    def model(one: Entry[type[Trainable]]) -> dict[str, Any]:
        abilities = {key: bool(getattr(one.value, key, False)) for key in ("encodes", "imputes")}
        own = {"losses": dict(one.value.loss_titles), "undivided": one.value.undivided}
        return entry(one) | own | abilities

    def metric(one: Entry[Any]) -> dict[str, Any]:
        words = {"name": one.name, "label": one.title, "kind": one.kind, "help": one.help, "source": one.source}
        return words | {key: getattr(one.value, key) for key in ("family", "direction", "target")}

    listed = {"encoders": encoders, "generators": generators, "mixers": mixers}
    return {
        "models": [model(one) for one in models],
        **{key: [entry(one) for one in registry] for key, registry in listed.items()},  # type: ignore[attr-defined]
        "formats": [entry(one) | described(one) for one in formats],
        "foreign": [
            {"name": one.title, "title": one.title, "recognised": one.recognised, "advice": one.advice}
            for one in FOREIGN
        ],
        "metrics": [metric(one) for one in metrics],
        "experiments": [load(name) for name in names()],
        "training": describe(TrainingConfig),
        "evaluation": describe(EvaluationConfig),
    }


COMMANDS: dict[str, Command] = {
    "datasets": (_nothing, _datasets),
    "runs": (_nothing, _runs),
    "models": (_nothing, _models),
    "metrics": (_declare_metrics, _metrics),
    "formats": (_declare_formats, _formats),
    "experiments": (_nothing, _experiments),
    "catalogue": (_nothing, _catalogue),
}
