"""The figures of docs/model-card.md: the heads under five-fold cross-validation on knowledge/examples.

    .venv/bin/python docs/model_card.py      (a few minutes; needs the extra `models`)

Each fold fits every head with the code of `firstreply train` on four fifths of the messages; the last fifth goes
through the service's own `understand`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from service.brands import brand_folders, read_brand
from service.files import shipped
from service.messages import LABELS, LEVELS, Label, Message, Understanding
from service.parts import ensure_model
from service.retrieve.folder import read_faqs
from service.settings import read_settings
from service.understand.classifier import Heads, Vectors
from service.understand.embedder import Embedder
from service.understand.examples import Example, read_examples
from service.understand.signals import SignalRules, read_signal_rules
from service.understand.training import Faq, train
from service.understand.understanding import texts_of, understand

FOLDS = 5
Pair = tuple[Example, Understanding]


def main() -> None:
    """Prints the tables of the model card."""
    embedder = remembering(ensure_model(read_settings()))
    rules = read_signal_rules(shipped("knowledge/signals"))
    examples = read_examples([shipped("knowledge/examples")])
    brand = read_brand("demo", None)
    topics = [topic.id for topic in brand.topics]
    folders = brand_folders(None, demo=True).values()
    faqs = [Faq(f.entry, f.topic, f.title, f.answer, f.questions) for folder in folders for f in read_faqs(folder)]
    pairs: list[Pair] = []
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for number, (rest, held) in enumerate(folds.split(examples, [e.label for e in examples]), 1):
        sys.stderr.write(f"fold {number} of {FOLDS}\n")
        heads = train([examples[i] for i in rest], faqs, topics, embedder, rules)
        pairs += [(examples[i], understood(examples[i], heads, rules, embedder, brand.identity.languages)) for i in held]
    report(pairs)


def remembering(embedder: Embedder) -> Embedder:
    """The embedder, embedding each text once."""
    known: dict[str, NDArray[np.float32]] = {}

    def encode(texts: list[str]) -> Vectors:
        if new := [text for text in dict.fromkeys(texts) if text not in known]:
            known.update(zip(new, embedder.encode(new), strict=True))
        return np.stack([known[text] for text in texts])

    return replace(embedder, encode=encode)


def understood(example: Example, heads: Heads, rules: SignalRules, embedder: Embedder, languages: Sequence[str]) -> Understanding:
    """What the service makes of an example's message."""
    given = example.model_dump(include={"text", "channel", "visibility", "thread"})
    message = Message.model_validate(given)
    texts = texts_of(message)
    return understand(message, texts, embedder.queries(texts.all), heads, rules, languages)


def report(pairs: Sequence[Pair]) -> None:
    """One table of what is scored for each language, one of the reasons."""
    languages = sorted({e.language for e, _ in pairs})
    measures: dict[str, Callable[[Sequence[Pair]], float]] = {f"AUC {label}": auc_of(label) for label in LABELS}
    measures |= {
        "label: share right": lambda some: share(e.label == u.label for e, u in some),
        "level: share right": lambda some: share(e.level == u.frustration_level for e, u in some),
        "level: share within one step": lambda some: share(
            abs(LEVELS.index(e.level) - LEVELS.index(u.frustration_level)) <= 1 for e, u in some
        ),
        "topic: share right, retail": lambda some: share(e.topic == u.topic.label for e, u in some if e.industry == "retail"),
        "topic: share right, all industries": lambda some: share(e.topic == u.topic.label for e, u in some),
        "addressed: share right, public": lambda some: share(
            e.addressed == u.addressed.label for e, u in some if e.visibility == "public"
        ),
        "language: share right": lambda some: share(e.language == u.language.code for e, u in some),
    }
    lines = ["| measure | all |" + "".join(f" {language} |" for language in languages), "|---|---|" + "---|" * len(languages)]
    for name, measure in measures.items():
        row = [measure(pairs), *(measure([pair for pair in pairs if pair[0].language == code]) for code in languages)]
        lines.append(f"| {name} |" + "".join(f" {value:.3f} |" for value in row))
    lines += ["", "| reason | messages | precision | recall |", "|---|---|---|---|"]
    for code in sorted({reason for e, _ in pairs for reason in e.reasons}):
        truth = np.array([code in e.reasons for e, _ in pairs])
        said = np.array([u.signal(code) is not None for _, u in pairs])
        hits = int((truth & said).sum())
        lines.append(f"| {code} | {truth.sum()} | {hits / max(int(said.sum()), 1):.2f} | {hits / int(truth.sum()):.2f} |")
    sys.stdout.write("\n".join(lines) + "\n")


def auc_of(label: Label) -> Callable[[Sequence[Pair]], float]:
    """Area under the ROC curve of one label's score."""

    def measure(pairs: Sequence[Pair]) -> float:
        return float(roc_auc_score([e.has(label) for e, _ in pairs], [u.scores[label] for _, u in pairs]))

    return measure


def share(right: Iterable[bool]) -> float:
    """The share of true ones."""
    return float(np.mean(list(right)))


if __name__ == "__main__":
    main()
