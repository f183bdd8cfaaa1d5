"""`firstreply train`: fits the heads and the correction of the vectors on labelled messages, the same every time.

Each head is a logistic regression (scikit-learn, L2). Its probabilities are used as they come: the penalty was
chosen by log loss under cross-validation, which is what calibration asks for.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from service.errors import ModelNotUsable
from service.messages import ADDRESSED, LABELS
from service.retrieve.lexical import faq_text
from service.understand.classifier import (
    Committee,
    Head,
    Heads,
    Vectors,
    digest_of_weights,
    features,
    unit,
)
from service.understand.embedder import WINDOW, Embedder
from service.understand.examples import Example, Feeling, LabelledSearch, check_classes
from service.understand.language import UNKNOWN
from service.understand.ngrams import SIZE, Ngrams
from service.understand.ranking import Library, Search, fit_likeness, fit_map, fit_relevance
from service.understand.reason_heads import CALM, Told, fit_reasons
from service.understand.relevance import Asked, Relevance
from service.understand.signals import SignalRules
from service.understand.understanding import EARLIER_TURNS

PENALTY = 1.0  # inverse strength C; of 0.3, 1, 3, 10 the best log loss in five folds
# The committee: of logistic regression, kernels (Nystroem) and these the best on real messages and on ours at once
# (docs/decisions/0011-committee.md).
MEMBERS, HIDDEN, DECAY, EPOCHS, BATCH = 4, 64, 0.05, 25, 256
NEW_MEMBERS = 2  # of a committee that is kept
OWN = 3.0  # how often a message of a brand at hand counts beside one of the shipped examples
LEAST_UPDATES = 400  # of the weights: few examples are seen more often
TOPIC_PENALTY = 3.0
OTHER_INDUSTRY = 0.3  # weight of other industries' messages in the topic head: of 0, 0.3, 1 the best accuracy on retail
QUESTIONS = 450  # sample questions that count in the label and topic heads, beside 1,920 labelled messages: more drown those
NEVER_RELEVANT = Relevance((), np.empty(0, np.float32), np.empty(0, np.float32), 0.0)  # until it is fitted


@dataclass(frozen=True)
class Faq:
    """A FAQ as training sees it: its entry, which its translations share, its topic, title, answer and sample questions."""

    entry: str
    topic: str | None
    title: str
    answer: str
    questions: tuple[str, ...]
    language: str = "und"
    brand: str = ""


def train(
    examples: list[Example],
    faqs: list[Faq],
    topics: list[str],
    embedder: Embedder,
    rules: SignalRules,
    progress: Callable[[str], None] = lambda _: None,
    feelings: Sequence[Feeling] = (),
    told: Sequence[tuple[str, str]] = (),
    searches: Sequence[LabelledSearch] = (),
    own: frozenset[str] = frozenset(),
    start: Heads | None = None,
) -> Heads:
    """Fits everything; raises KnowledgeNotUsable on too few examples, ModelNotUsable without scikit-learn.

    Examples that teach reasons alone are in no other head. `feelings` join in the head of frustration, the calm ones in those of
    reasons. `told` are messages with their topics, from brands' topics.yaml, and `own` ids of the examples of the brands at hand:
    both count OWN times. `searches` are messages of which is known which FAQ answers them. `start` are heads of the same embedder
    whose committee stays, with new members beside its own: it has learned from texts that are not here.
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise ModelNotUsable("training needs scikit-learn: pip install 'firstreply[models]'") from None
    apart = [e for e in examples if e.teaches == "reasons"]
    progress(f"embedding {len(examples)} messages and {sum(len(f.questions) for f in faqs)} questions")
    examples = [e for e in examples if e.teaches == "all"]
    check_classes(examples, topics, told)
    raw = embedder.queries([e.text[:WINDOW] or " " for e in examples])
    asked = [(question, faq) for faq in faqs for question in faq.questions]
    raw_asked = embedder.queries([question for question, _ in asked])
    raw_titles = embedder.queries([faq.title for faq in faqs])
    raw_passages = embedder.passages([f"{faq.title}\n{faq.answer}" for faq in faqs])
    query_mean = raw.mean(axis=0) if start is None else start.query_mean
    passage_mean = query_mean if not len(faqs) else raw_passages.mean(axis=0) if start is None else start.passage_mean
    counts = np.array([OWN if e.id in own else 1.0 for e in examples])

    def centred(vectors: Vectors) -> Vectors:
        return unit(vectors - query_mean)

    def fit(
        rows: Vectors,
        targets: NDArray[np.str_ | np.bool_],
        classes: tuple[str, ...],
        c: float,
        weights: Vectors,
        *,
        balanced: bool = False,
    ) -> Head:
        model = LogisticRegression(C=c, max_iter=3_000, class_weight="balanced" if balanced else None)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.fit(rows, targets, sample_weight=weights)
        order = [list(model.classes_).index(name) for name in classes] if len(classes) > 1 else [0]
        return Head(classes, model.coef_[order].astype(np.float32), model.intercept_[order].astype(np.float32))

    def fit_independent(rows: Vectors, targets: dict[str, list[bool]], questions: Vectors | None = None) -> Head:
        parts = []
        for name, values in targets.items():
            given, truth, weights = rows, values, counts
            if questions is not None and name in ("information_seeking", "praise"):  # what a sample question surely is and is not
                given, truth = np.concatenate([rows, questions]), [*values, *[name == "information_seeking"] * len(questions)]
                weights = np.concatenate([counts, np.ones(len(questions))])
            parts.append(fit(given, np.array(truth), (name,), PENALTY, weights))
        return Head(tuple(targets), np.concatenate([p.weights for p in parts]), np.concatenate([p.bias for p in parts]))

    progress("fitting the heads")
    nothing = Head((), np.empty(0, np.float32), np.empty(0, np.float32))
    nobody = Committee(*[np.empty((0, 0), np.float32)] * 4)
    unmapped = np.empty((0, 0), np.float32)
    unspelt = Ngrams(np.zeros(SIZE, np.float32), np.empty((SIZE, 0), np.float32))
    heads = {name: nothing for name in ("label", "level", "urgency", "topic", "addressed", "reasons", "meant")}
    blank = Heads(
        "", "", query_mean, passage_mean, unmapped, (0.0, 0.0), NEVER_RELEVANT, frustration=nobody, ngrams=unspelt, **heads
    )

    def rows_of_examples(chosen: list[Example], vectors: Vectors) -> Vectors:
        found = [features(e.text, rules.find(e.text, e.language)) for e in chosen]
        earlier = _earlier_vectors(chosen, embedder, centred)
        return np.stack([blank.inputs(v, b, x) for v, b, x in zip(centred(vectors), earlier, found, strict=True)])

    rows = rows_of_examples(examples, raw)

    def rows_of(vectors: Vectors, said: Sequence[tuple[str, str]]) -> Vectors:
        """Inputs of texts without a thread from their centred vectors; `said` gives each text and its language."""
        if not said:
            return rows[:0]
        known = (features(text, rules.find(text, language)) for text, language in said)
        return np.stack([blank.inputs(v, None, x) for v, x in zip(vectors, known, strict=True)])

    labels: dict[str, list[bool]] = {name: [e.has(name) for e in examples] for name in LABELS}
    levels = {
        "moderate": [e.level in ("moderate", "strong") for e in examples],
        "strong": [e.level == "strong" for e in examples],
    }
    topic_rows, topic_targets = rows, [e.topic for e in examples]
    topic_weights = [OWN if e.id in own else 1.0 if e.industry == "retail" else OTHER_INDUSTRY for e in examples]
    asked_rows = rows_of(centred(raw_asked), [(question, UNKNOWN) for question, _ in asked])
    felt = rows[:0]
    if feelings:
        progress(f"embedding {len(feelings)} texts of which only the feeling is known")
        raw_felt = centred(embedder.queries([feeling.text[:WINDOW] for feeling in feelings]))
        felt = rows_of(raw_felt, [(feeling.text, feeling.language) for feeling in feelings])
    known = [at for at, (_, faq) in enumerate(asked) if faq.topic in topics]
    if known:
        topic_rows = np.concatenate([rows, asked_rows[known]])
        topic_targets += [str(asked[at][1].topic) for at in known]
        topic_weights += [min(1.0, QUESTIONS / len(known))] * len(known)
    if told:
        raw_told = centred(embedder.queries([text for text, _ in told]))
        topic_rows = np.concatenate([topic_rows, rows_of(raw_told, [(text, UNKNOWN) for text, _ in told])])
        topic_targets += [topic for _, topic in told]
        topic_weights += [OWN] * len(told)
    beside = np.concatenate([centred(raw_titles), unit(raw_passages - passage_mean)]) if faqs else centred(raw[:0])
    named = [faq.entry for faq in faqs] * 2
    searched, entries = np.concatenate([centred(raw_asked), beside]), [*(faq.entry for _, faq in asked), *named]
    foreign = [i for i, e in enumerate(examples) if e.industry != "retail" or e.label == "other"]
    public = [i for i, e in enumerate(examples) if e.visibility == "public"]
    calm = [at for at, feeling in enumerate(feelings) if feeling.calm]
    calm_rows, calm_texts = felt[calm], [feelings[at].text for at in calm]
    known_feelings = [feeling for feeling in feelings if feeling.frustrated is not None]
    felt = felt[[at for at, feeling in enumerate(feelings) if feeling.frustrated is not None]]
    with_reasons = rows
    if apart:
        with_reasons = np.concatenate([rows, rows_of_examples(apart, embedder.queries([e.text[:WINDOW] or " " for e in apart]))])
    with_apart, besides = [*examples, *apart], len(asked) + len(calm)
    own_or_not = [*counts, *(OWN if e.id in own else 1.0 for e in apart)]
    seen = Told(
        rows=np.concatenate([with_reasons, asked_rows, calm_rows]),
        texts=[*(e.text for e in with_apart), *(question for question, _ in asked), *calm_texts],
        reasons=[*(e.reasons for e in with_apart), *[()] * besides],
        weights=np.array([*own_or_not, *[1.0] * len(asked), *[CALM] * len(calm)]),
        groups=[*(e.id for e in with_apart), *(faq.entry for _, faq in asked), *calm_texts],
        everyday=np.arange(len(with_apart) + besides) >= len(with_apart),
    )
    reasons, meant, ngrams = fit_reasons(seen)
    fitted = Heads(
        embedder=embedder.fingerprint,
        version="",
        query_mean=query_mean,
        passage_mean=passage_mean,
        ranking=fit_map(searched, entries),
        likeness=fit_likeness(centred(raw_asked), [faq.entry for _, faq in asked], beside, named, centred(raw)[foreign]),
        relevance=NEVER_RELEVANT,
        label=fit_independent(rows, labels, asked_rows[:: max(1, len(asked) // QUESTIONS)]),
        frustration=_fit_committee(
            rows, labels["frustration"], felt, known_feelings, counts, start.frustration if start else None
        ),
        level=fit_independent(rows, levels),
        urgency=fit_independent(rows, {"high": [e.urgency in ("high", "critical") for e in examples]}),
        topic=fit(topic_rows, np.array(topic_targets), tuple(topics), TOPIC_PENALTY, np.array(topic_weights), balanced=True),
        reasons=reasons,
        meant=meant,
        ngrams=ngrams,
        addressed=fit(rows[public], np.array([examples[i].addressed for i in public]), ADDRESSED, PENALTY, counts[public]),
    )
    if searches or start is None:
        owners = [faq for _, faq in asked] + list(faqs) * 2
        found_searches = _searches(searches, faqs, owners, searched, fitted, embedder, rules)
        fitted = replace(fitted, relevance=fit_relevance(found_searches, fitted.ranking, topics, fitted.likeness))
    else:
        fitted = replace(fitted, relevance=start.relevance)
    return replace(fitted, version=digest_of_weights(fitted))


def _searches(
    given: Sequence[LabelledSearch],
    faqs: list[Faq],
    owners: list[Faq],
    vectors: Vectors,
    heads: Heads,
    embedder: Embedder,
    rules: SignalRules,
) -> list[tuple[Library, Search]]:
    """The searches with the FAQs of their brand, and what the fitted heads see in them; `vectors` [n, d] are the owners'."""
    corrected = heads.ranked(vectors)
    libraries: dict[str, Library] = {}
    for brand in {search.brand for search in given}:
        mine = [at for at, faq in enumerate(owners) if faq.brand == brand]
        texts: dict[str, dict[str, str]] = {}
        for faq in faqs:
            if faq.brand == brand:
                texts.setdefault(faq.entry, {})[faq.language] = faq_text(faq.title, faq.answer, faq.questions)
        topics = {faq.entry: faq.topic for faq in faqs if faq.brand == brand}
        libraries[brand] = Library(corrected[mine], [owners[at].entry for at in mine], texts, topics)
    raw = heads.centred_queries(embedder.queries([search.text[:WINDOW] for search in given])) if given else vectors[:0]
    found = []
    for search, vector in zip(given, raw, strict=True):
        row = heads.inputs(vector, None, features(search.text, rules.find(search.text, search.language)))
        likely = heads.topic.exclusive(row)
        topic = max(likely, key=lambda name: likely[name])
        asked = Asked(heads.labels(row), topic, likely[topic], len(search.text.split()))
        found.append((libraries[search.brand], Search(vector, search.text, search.language, asked, search.faq)))
    return found


def _fit_committee(
    rows: Vectors, truth: list[bool], felt: Vectors, feelings: Sequence[Feeling], counts: Vectors, start: Committee | None
) -> Committee:
    """The networks for frustration; texts of which only that is known join by their weights, and `start`'s networks stay.

    Those of the texts that voice displeasure are weighted so that they are as frequent as among the examples: their being
    calmer must not make a customer seem calm.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    given = np.concatenate([rows, felt]) if len(felt) else rows
    targets = np.array([*truth, *(feeling.frustrated for feeling in feelings)])
    weights = np.concatenate([counts, [feeling.weight for feeling in feelings]])
    of_feelings = np.arange(len(given)) >= len(rows)
    if len(felt):
        share = float(np.mean(truth))
        angry, calm = weights[of_feelings & targets].sum(), weights[of_feelings & ~targets].sum()
        weights[of_feelings & targets] *= share / (1 - share) * calm / max(angry, 1e-9)
    members = []
    epochs = max(EPOCHS, -(-LEAST_UPDATES // -(-len(given) // BATCH)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped early on purpose
        for seed in range(MEMBERS if start is None else NEW_MEMBERS):
            model = MLPClassifier(
                (HIDDEN,), alpha=DECAY, max_iter=epochs, n_iter_no_change=epochs, batch_size=min(BATCH, len(given)),
                random_state=seed,
            )  # fmt: skip
            members.append(model.fit(given, targets, sample_weight=weights))
    fitted = Committee(
        hidden=np.stack([m.coefs_[0].T for m in members]).astype(np.float32),
        hidden_bias=np.stack([m.intercepts_[0] for m in members]).astype(np.float32),
        out=np.stack([m.coefs_[1][:, 0] for m in members]).astype(np.float32),
        out_bias=np.array([m.intercepts_[1][0] for m in members], np.float32),
    )
    return fitted if start is None else start.with_members(fitted)


def _earlier_vectors(examples: list[Example], embedder: Embedder, centred: Callable[[Vectors], Vectors]) -> list[Vectors | None]:
    turns = [[t.text[-WINDOW:] for t in e.thread if t.role == "customer"][-EARLIER_TURNS:] for e in examples]
    flat = [text for row in turns for text in row]
    vectors = centred(embedder.queries(flat)) if flat else np.empty((0, embedder.dimension), np.float32)
    rows: list[Vectors | None] = []
    at = 0
    for row in turns:
        rows.append(vectors[at : at + len(row)] if row else None)
        at += len(row)
    return rows
