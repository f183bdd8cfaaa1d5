"""What the customer feels and wants: one batch of vectors, the heads on them, and the rules beside them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from service.escalate.policy import HARD
from service.messages import LABELS, Label, Language, Level, Message, Scored, Signal, Understanding, Urgency
from service.understand.classifier import Heads, Vectors, features
from service.understand.embedder import sentences, windows
from service.understand.language import identify, of_turns
from service.understand.questions import asks
from service.understand.signals import SignalRules
from service.understand.trajectory import of_thread, trajectory

EARLIER_TURNS = 3  # customer turns before this one that are read
MOST_QUESTIONS = 3  # questions of one message that are searched for apart
OTHER_TOPIC = "other"
SURE_TOPIC = 0.35  # probability below which a topic is a guess: no draft names it and no passage is judged by it
ANGRY_QUESTION = 0.3  # score from which an angry message with a question mark also asks; F1 on the examples: the same to 0.5
PRESENT = 0.5  # score from which a label counts as present
NOT_FOR_US = 0.6  # probability of "not direct" from which a message is held to want nothing: missing a direct one costs more
LEAST_WORDS = 3  # words below which only rules name a reason
EVIDENCE = 160  # characters of evidence shown where no rule names the words
# A short sentence beside others may be only how somebody feels: reasons are looked for without the first such one, too.
ASIDE_WORDS = (3, 8)
MOST_ASIDES = 1  # each costs an embedding; three find half a point more of the messages that need a human
MIXED, MOST_SENTENCES = 600, 6  # characters and sentences beyond which one sentence moves a vector little
MOCKING = {"sarcasm", "repeat_contact", "payment_dispute"}
ORDER_STATUS = 0.5  # what a question after the whereabouts of something ordered adds to the topic delivery
MOCKED = 0.6  # frustration of a message whose praise is mockery
REVIEWS = {"google_review", "google_play", "app_store", "trustpilot", "review"}  # a review is written to the brand as well
CRITICAL = {"self_harm", "safety_risk"}
PRESSING = {"time_pressure", "fraud_or_security", "legal_threat", "regulator_complaint", "repeat_contact", "vulnerable_customer"}


@dataclass(frozen=True)
class Texts:
    """The texts of a message that are embedded, in one batch."""

    windows: tuple[str, ...]
    questions: tuple[str, ...]
    earlier: tuple[str, ...]
    without: tuple[str, ...] = ()  # the message without one of its short sentences

    @property
    def all(self) -> list[str]:
        """Every text once, the windows first."""
        return [*self.windows, *self.questions, *self.without, *self.earlier]


def texts_of(message: Message) -> Texts:
    """What of the message is embedded: its windows, its questions where it asks more than one, earlier turns."""
    content = message.content.strip() or " "
    parts = sentences(content)
    asked = [part for part in parts if asks(part)]
    earlier = [turn.text[-1_000:] for turn in message.thread if turn.role == "customer" and turn.text.strip()]
    return Texts(
        windows=tuple(windows(content)),
        questions=tuple(part[:1_000] for part in asked[:MOST_QUESTIONS]) if len(asked) > 1 else (),
        earlier=tuple(earlier[-EARLIER_TURNS:]),
        without=_without(content, parts),
    )


def _without(content: str, parts: list[str]) -> tuple[str, ...]:
    """The message without one of its short sentences that ask nothing."""
    if not 1 < len(parts) <= MOST_SENTENCES or len(content) > MIXED:
        return ()
    least, most = ASIDE_WORDS
    aside = [at for at, part in enumerate(parts) if least <= len(part.split()) <= most and "?" not in part]
    return tuple(" ".join(parts[:at] + parts[at + 1 :]) for at in aside[:MOST_ASIDES])


def understand(
    message: Message,
    texts: Texts,
    vectors: Vectors,
    heads: Heads,
    rules: SignalRules,
    supported: Iterable[str],
    hints: Iterable[str | None] = (),
    own_handles: Iterable[str] = (),
    topics: Collection[str] = (),
) -> Understanding:
    """The understanding of one message; `vectors` [n, d] are those of `texts.all`, in that order.

    A message that names one of `own_handles`, the brand's, is written to the brand. Only the brand's `topics` are
    given, where it names any.
    """
    content = message.content
    named = any(handle.casefold() in content.casefold() for handle in own_handles)
    language = language_of(message, supported, hints)
    signals = tuple(s for s in rules.find(content, language.code) if not (named and s.code == "friend_tag"))
    codes = {signal.code for signal in signals}
    centred = heads.centred_queries(vectors)
    pieces, before = centred[: len(texts.windows)], centred[len(vectors) - len(texts.earlier) :]
    extra = features(content, signals)
    inputs = [heads.inputs(piece, before, extra) for piece in pieces]
    first = len(texts.windows) + len(texts.questions)
    calmer = [heads.inputs(row, before, extra) for row in centred[first : first + len(texts.without)]]
    seen = [_Piece(row, heads.ngrams.scores(text), text, text) for row, text in zip(inputs, texts.windows, strict=True)]
    for row, text in zip(calmer, texts.without, strict=True):
        seen.append(_Piece(row, heads.ngrams.scores(text), text, texts.windows[0]))
    signals = _meant(signals, heads, seen, content) + _learned(heads, seen, signals)
    signals += _endangered(signals)
    codes = {signal.code for signal in signals}

    scores = _peak([heads.labels(row) for row in inputs])
    if not content.strip():
        scores = {"frustration": 0.0, "information_seeking": 0.0, "praise": 0.0, "other": 1.0}
    _read_between(scores, codes)
    label = _main_label(scores)
    also: tuple[Label, ...] = tuple(name for name in LABELS if name != label and scores[name] >= PRESENT)
    if label == "frustration" and "?" in content and scores["information_seeking"] >= ANGRY_QUESTION:
        also = tuple(name for name in LABELS if name in {*also, "information_seeking"})
    level = _level(_peak([heads.level.independent(row) for row in inputs]), scores["frustration"], label, also)
    about = _topics(_mean([heads.topic.exclusive(row) for row in inputs]), topics)
    if "order_status" in codes and "delivery" in about:
        about["delivery"] += ORDER_STATUS  # "where is my …" is about delivery whatever the thing is
    topic = max(about, key=lambda name: about[name])
    heard = [rules.find(text, language.code) for text in texts.earlier]
    past = [
        heads.labels(heads.inputs(turn, None, features(text, found)))["frustration"]
        for turn, text, found in zip(before, texts.earlier, heard, strict=True)
    ]
    signals += of_thread(texts.earlier, heard, past)
    hurry = _peak([heads.urgency.independent(row) for row in inputs])["high"]
    return Understanding(
        label=label,
        scores={name: round(scores[name], 4) for name in LABELS},
        also=also,
        frustration_level=level,
        trajectory=trajectory(past, scores["frustration"], level, resolved="resolved" in codes),
        topic=Scored(label=topic, score=round(min(about[topic], 1.0), 4)),
        urgency=_urgency(hurry, label, also, codes),
        addressed=_addressed(message, _mean([heads.addressed.exclusive(row) for row in inputs]), codes, named),
        language=language,
        signals=signals,
        confidence=round(scores[label], 4),
    )


@dataclass(frozen=True)
class _Piece:
    """A piece of a message as the heads of reasons see it: inputs, what its n-grams add, its text, and what is shown of it."""

    inputs: Vectors
    added: Vectors
    text: str
    evidence: str


def _meant(signals: tuple[Signal, ...], heads: Heads, seen: list[_Piece], content: str) -> tuple[Signal, ...]:
    """The signals without those whose words are surely said of something else ("is it legal to …?")."""
    if len(content.split()) < LEAST_WORDS:
        return signals
    scores = _peak([heads.meant.independent(piece.inputs, piece.added) for piece in seen])
    return tuple(signal for signal in signals if scores.get(signal.code, 1.0) >= PRESENT)


def _learned(heads: Heads, seen: list[_Piece], named: tuple[Signal, ...]) -> tuple[Signal, ...]:
    """Signals that the reason heads see and no rule named.

    The most that any piece says counts: what is added to a message never talks the rest of it down.
    """
    known, grave = {signal.code for signal in named}, [signal.evidence for signal in named if signal.code in HARD]
    found: dict[str, Signal] = {}
    for piece in seen:
        if len(piece.text.split()) < LEAST_WORDS:
            continue
        for code, score in heads.reasons.independent(piece.inputs, piece.added).items():
            if code == "self_harm" and any(words in piece.text for words in grave):
                continue  # an ultimatum that a rule explains
            if score >= PRESENT and code not in known and code not in found:
                whole = piece.evidence
                evidence = whole if len(whole) <= EVIDENCE else whole[:EVIDENCE].rsplit(" ", 1)[0] + " …"
                found[code] = Signal(code=code, evidence=evidence)
    return tuple(found.values())


def _endangered(signals: tuple[Signal, ...]) -> tuple[Signal, ...]:
    """Somebody attacked, threatened with violence or acutely unwell is a safety risk."""
    found = {signal.code: signal for signal in signals}
    if "emergency" not in found or "safety_risk" in found:
        return ()
    return (found["emergency"].model_copy(update={"code": "safety_risk"}),)


def language_of(message: Message, supported: Iterable[str], hints: Iterable[str | None] = ()) -> Language:
    """The language of a message: what the caller says, the text, the thread, the customer's record."""
    thread = of_turns(turn.text for turn in message.thread if turn.role == "customer")
    return identify(message.content, said=message.language, supported=supported, hints=(thread, *hints))


def _topics(known: dict[str, float], listed: Collection[str]) -> dict[str, float]:
    """The probabilities of the topics that a brand lists, given that it is one of them; nothing known of any is `other`."""
    kept = {name: score for name, score in known.items() if name in listed} if listed else known
    total = sum(kept.values())
    return {name: score / total for name, score in kept.items()} if total > 0 else {OTHER_TOPIC: 0.0}


def _peak(rows: list[dict[str, float]]) -> dict[str, float]:
    """A long message is as angry as its angriest window."""
    return {name: max(row[name] for row in rows) for name in rows[0]}


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _read_between(scores: dict[str, float], codes: set[str]) -> None:
    """Rules over the scores where words mean the opposite: praise beside sarcasm or a repeated complaint is none."""
    if codes & MOCKING and scores["praise"] >= PRESENT and "resolved" not in codes:
        scores["praise"] *= 1 - MOCKED
        scores["frustration"] = max(scores["frustration"], MOCKED)


def _main_label(scores: dict[str, float]) -> Label:
    """The highest score; of an angry question the anger (so labelled in seven of eight examples that are both)."""
    best: Label = max(LABELS, key=lambda name: scores[name])
    return "frustration" if best == "information_seeking" and scores["frustration"] >= PRESENT else best


def _level(scores: dict[str, float], frustration: float, label: Label, also: tuple[Label, ...]) -> Level:
    """How frustrated, given that the message is: the level's probability relative to that of any frustration."""
    if label != "frustration" and "frustration" not in also:
        return "none"
    if scores["strong"] >= PRESENT * frustration:
        return "strong"
    return "moderate" if scores["moderate"] >= PRESENT * frustration else "mild"


def _urgency(hurry: float, label: Label, also: tuple[Label, ...], codes: set[str]) -> Urgency:
    if codes & CRITICAL:
        return "critical"
    if hurry >= PRESENT or codes & PRESSING:
        return "high"
    wants = {"frustration", "information_seeking"} & {label, *also}
    return "normal" if wants else "low"


def _addressed(message: Message, scores: dict[str, float], codes: set[str], named: bool) -> Scored:
    if "spam" in codes:
        return Scored(label="spam", score=0.95)
    if not message.public or message.channel in REVIEWS or named:
        return Scored(label="direct", score=1.0)
    if "friend_tag" in codes:
        return Scored(label="mention", score=0.9)
    others = {name: score for name, score in scores.items() if name != "direct"}
    if sum(others.values()) < NOT_FOR_US:
        return Scored(label="direct", score=round(scores["direct"], 4))
    best = max(others, key=lambda name: others[name])
    return Scored(label=best, score=round(others[best], 4))
