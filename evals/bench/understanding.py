"""`make bench-understanding`: what the service understands of real messages that nobody here wrote, against floors and aims.

The sets are third-party and not part of the project; `--data` names the folder with them, and a set that is not there
is "not measured". Of the sets marked with a star the shipped heads learned; the others were never trained on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import f1_score

from evals import curves
from evals.bench.feelings import NAMES as LEARNED
from evals.bench.figures import aligned
from evals.intervals import bootstrap, wilson
from service.brands import read_brand
from service.files import shipped
from service.messages import Message, Understanding
from service.parts import ensure_model, heads_file
from service.settings import read_settings
from service.understand.classifier import Heads, load_heads
from service.understand.embedder import Embedder
from service.understand.signals import SignalRules, read_signal_rules
from service.understand.understanding import texts_of, understand

GROUP = 256  # messages embedded together
LEARNED_FROM = "the shipped heads learned from this set; without it: docs/decisions/0011-committee.md"
LEAST_WORDS = 3  # of a text whose language is judged
# Topics of twcs_topics_inbound_en that are topics of the demo brand; what has no counterpart is left out.
TOPICS = {
    "Delivery": "delivery", "Packaging": "delivery", "Account": "account", "Billing/Payment": "payment", "Refund": "refund",
    "Return": "returns", "Replacement": "returns", "Bad Support": "service", "Service Praise": "service",
    "Order Cancellation": "order", "App": "technical", "Update": "technical", "Battery": "technical",
    "Unresponsive/Freezing Device": "technical",
}  # fmt: skip

Record = dict[str, Any]
Pair = tuple[Record, Understanding]
# Value, lower and upper end of its interval, number of records; None where there is nothing to say.
Reading = Callable[[Sequence[Pair]], tuple[float, float, float, int] | None]


@dataclass(frozen=True)
class Row:
    """One line of the table: of the records that `keep`, how well `score` tells which are `positive`."""

    name: str
    data: str
    measure: str
    least: float | None
    aim: float | None
    value: Reading


def scored(
    make: Callable[[Any, Any], curves.Statistic],
    keep: Callable[[Record], bool],
    positive: Callable[[Record], bool],
    label: str,
) -> Reading:
    """What `make` says of which kept records are positive and of a label's scores, with its bootstrap interval."""

    def measure(pairs: Sequence[Pair]) -> tuple[float, float, float, int] | None:
        kept = [(record, seen) for record, seen in pairs if keep(record)]
        truth = np.array([positive(record) for record, _ in kept], bool)
        if not kept or truth.all() or not truth.any():
            return None
        statistic = make(truth, np.array([seen.scores[label] for _, seen in kept]))  # type: ignore[index]
        return float(statistic(np.ones((1, len(kept))))[0]), *bootstrap(statistic, len(kept), 0), len(kept)

    return measure


def auc(keep: Callable[[Record], bool], positive: Callable[[Record], bool], label: str) -> Reading:
    """Area under the ROC curve of a label's score."""
    return scored(curves.auc, keep, positive, label)


def calibration(keep: Callable[[Record], bool], positive: Callable[[Record], bool], label: str) -> Reading:
    """Expected calibration error of a label's score."""
    return scored(lambda truth, scores: curves.calibration_error(scores, truth), keep, positive, label)


def f1(keep: Callable[[Record], bool], positive: Callable[[Record], bool], label: str) -> Reading:
    """F1 at the shipped threshold, of the two classes the positive one."""

    def measure(pairs: Sequence[Pair]) -> tuple[float, float, float, int] | None:
        kept = [(record, seen) for record, seen in pairs if keep(record)]
        if not kept:
            return None
        truth = np.array([positive(record) for record, _ in kept], float)
        found = np.array([seen.has(label) for _, seen in kept], float)  # type: ignore[arg-type]

        def statistic(rows: Any) -> Any:
            hits = rows @ (truth * found)
            return 2 * hits / (rows @ (truth + found))

        return float(f1_score(truth, found)), *bootstrap(statistic, len(kept), 0), len(kept)

    return measure


def topics(pairs: Sequence[Pair]) -> tuple[float, float, float, int] | None:
    """Macro-F1 of the topics that have a counterpart, over messages that are about one of them."""
    said = [({TOPICS[name] for name in record.get("topic") or [] if name in TOPICS}, seen.topic.label) for record, seen in pairs]
    kept = [(next(iter(names)), found) for names, found in said if len(names) == 1]
    if not kept:
        return None
    truth, found = [one for one, _ in kept], [other for _, other in kept]
    classes = sorted(set(truth))
    statistic = curves.macro_f1(truth, found, classes)
    value = float(f1_score(truth, found, labels=classes, average="macro"))
    return value, *bootstrap(statistic, len(kept), 0), len(kept)


def languages(pairs: Sequence[Pair]) -> tuple[float, float, float, int] | None:
    """Share of texts of three words or more whose language is right."""
    kept = [(record, seen) for record, seen in pairs if record["n_words"] >= LEAST_WORDS]
    right = sum(record["lang"] == seen.language.code for record, seen in kept)
    return (right / len(kept), *wilson(right, len(kept)), len(kept)) if kept else None


def everything(_: Record) -> bool:
    """Every record counts."""
    return True


def rows() -> Iterable[Row]:
    """The table."""

    def severe(record: Record) -> bool:
        known = (record.get("extra") or {}).get("severity") or 0
        return known >= 2 or record.get("label") in ("information_seeking", "praise")

    def three(record: Record) -> bool:
        known = (record.get("extra") or {}).get("severity")
        return record.get("label") in ("information_seeking", "praise") or (record.get("label") == "frustration" and known != 1)

    def complains(record: Record) -> bool:
        return record.get("frustration") == 1

    def negative(record: Record) -> bool:
        return record.get("sentiment") == "negative"

    def asks(record: Record) -> bool:
        return record.get("label") == "information_seeking"

    def polar(record: Record) -> bool:
        return record.get("sentiment") in ("negative", "positive")

    frustration = "frustration"
    yield Row(
        "complaints_en: severity ≥ 2 against question or praise",
        "complaints_en",
        "AUC",
        0.95,
        0.975,
        auc(severe, complains, frustration),
    )
    yield Row("complaints_en: complaint or not", "complaints_en", "AUC", 0.82, 0.93, auc(everything, complains, frustration))
    yield Row("airline_en: negative or not", "airline_en", "AUC", 0.91, 0.93, auc(everything, negative, frustration))
    yield Row("airline_en: negative or not", "airline_en", "F1", 0.85, 0.88, f1(everything, negative, frustration))
    yield Row(
        "airline_en + complaints_en: question or not",
        "airline_en+complaints_en",
        "AUC",
        0.90,
        0.95,
        auc(three, asks, "information_seeking"),
    )
    for language in ("en", "fr", "es"):
        yield Row(
            f"cfa {language}: complaint or not", "cfa_en_fr_es", "AUC", 0.88, 0.93,
            auc(lambda r, code=language: r["lang"] == code and r.get("frustration") is not None, complains, frustration),  # type: ignore[misc]
        )  # fmt: skip
    yield Row(
        "germeval, addressed: frustration against question and praise", "germeval2017_de", "AUC", 0.74, 0.80,
        auc(lambda r: r.get("label") is not None, lambda r: r["label"] == frustration, frustration),
    )  # fmt: skip
    yield Row(
        "swe_emoji_sv: negative against positive", "swe_emoji_sentiment_sv", "AUC", 0.92, 0.95, auc(polar, negative, frustration)
    )
    for language in ("de", "fr", "es"):
        yield Row(
            f"umsab {language}: negative against positive",
            f"umsab_{language}",
            "AUC",
            0.85,
            0.90,
            auc(polar, negative, frustration),
        )
    yield Row("twcs: topic", "twcs_topics_inbound_en", "macro-F1", 0.60, 0.75, topics)
    yield Row("busbot_nl: complaint or not", "busbot_nl", "AUC", None, None, auc(everything, complains, frustration))
    yield Row("mozetic_sv: negative against positive", "mozetic_sv", "AUC", None, None, auc(polar, negative, frustration))
    yield Row(
        "tweeteval_irony_en: irony", "tweeteval_irony_en", "AUC", None, None,
        auc(everything, lambda r: r["label_original"] == "irony", frustration),
    )  # fmt: skip
    yield Row("langid_short: three words or more", "langid_short", "accuracy", 0.98, 0.99, languages)
    yield Row(
        "airline_en: frustration's calibration error",
        "airline_en",
        "ECE",
        -0.10,
        None,
        calibration(everything, negative, frustration),
    )
    yield Row(
        "complaints_en: frustration's calibration error",
        "complaints_en",
        "ECE",
        -0.10,
        None,
        calibration(everything, complains, frustration),
    )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m evals.bench.understanding", description="Understanding of real messages.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the sets, JSON Lines")
    folder: Path = parser.parse_args().data
    settings = read_settings()
    embedder = ensure_model(settings)
    heads = load_heads(heads_file(settings), embedder.fingerprint)
    sys.stdout.write(table(folder, embedder, heads) + "\n")


def table(folder: Path, embedder: Embedder, heads: Heads) -> str:
    """The rows as text; sets that are not there are not measured."""
    rules = read_signal_rules(shipped("knowledge/signals"))
    supported = read_brand("demo", None).identity.languages
    known: dict[str, list[Pair]] = {}
    lines = [("set", "n", "measure", "value", "95 % interval", "floor", "aim", "")]
    for row in rows():
        names = row.data.split("+")
        if any(not (folder / f"{name}.jsonl").exists() for name in names):
            lines.append((row.name, "", row.measure, "not measured", "", _bound(row.least), _bound(row.aim), ""))
            continue
        for name in names:
            if name not in known:
                known[name] = understood(folder / f"{name}.jsonl", embedder, heads, rules, supported)
        found = row.value([pair for name in names for pair in known[name]])
        if found is None:
            continue
        value, low, high, n = found
        name = row.name + ("*" if set(names) & set(LEARNED) else "")
        cells = (name, str(n), row.measure, f"{value:.3f}", f"{low:.3f} to {high:.3f}")
        lines.append((*cells, _bound(row.least), _bound(row.aim), _verdict(value, row.least, row.aim)))
    return f"{aligned(lines)}\n* {LEARNED_FROM}"


def _bound(value: float | None) -> str:
    """A floor; one below zero is a ceiling."""
    return "" if value is None else f"≤ {-value:.2f}" if value < 0 else f"{value:.3g}"


def _verdict(value: float, least: float | None, aim: float | None) -> str:
    if least is None:
        return ""
    if least < 0:
        return "met" if value <= -least else "missed"
    return "aim" if aim is not None and value >= aim else "met" if value >= least else "missed"


def understood(path: Path, embedder: Embedder, heads: Heads, rules: SignalRules, supported: Sequence[str]) -> list[Pair]:
    """Every record of a set with what the service understands of it."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    pairs: list[Pair] = []
    for start in range(0, len(records), GROUP):
        group = [(record, Message(text=record["text"][:10_000] or "-", channel="x")) for record in records[start : start + GROUP]]
        texts = [texts_of(message) for _, message in group]
        vectors = embedder.queries([text for one in texts for text in one.all])
        at = 0
        for (record, message), one in zip(group, texts, strict=True):
            own = vectors[at : at + len(one.all)]
            at += len(one.all)
            pairs.append((record, understand(message, one, own, heads, rules, supported)))
    return pairs


if __name__ == "__main__":
    main()
