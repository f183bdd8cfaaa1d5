"""The heads: kept in one file, fitted the same every time, and never used with another embedder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from service.brands import read_brand
from service.errors import KnowledgeNotUsable, ModelNotUsable
from service.files import shipped
from service.messages import ADDRESSED, LABELS, Signal
from service.understand.build import fingerprint
from service.understand.classifier import (
    EARLIER,
    FEATURE_WEIGHT,
    Head,
    Heads,
    Vectors,
    feature_names,
    features,
    load_heads,
    save_heads,
)
from service.understand.embedder import Embedder
from service.understand.examples import LEAST_OF_A_CLASS, Example, read_examples
from service.understand.reason_heads import LEARNED, LEAST_OF_A_REASON
from service.understand.signals import read_signal_rules
from service.understand.topic_words import topic_words, word_topics
from service.understand.training import NEW_MEMBERS, Faq, train
from service.understand.weights import bundled_weights

SHIPPED = shipped("knowledge/heads.safetensors")
TOPICS = [topic.id for topic in read_brand("demo", None).topics]
RULES = read_signal_rules(shipped("knowledge/signals"))
HEADS = ("label", "level", "urgency", "topic", "addressed", "reasons")
FAQS = [
    Faq("arrival", "delivery", "When does it arrive?", "In 3 days.", ("how long does shipping take", "when is it here")),
    Faq("sending-back", "returns", "How do I send it back?", "With the label.", ("i want to return it", "where is the label")),
]

BIKES = ("is broken", "squeals on hills", "came loose on the ride", "needs a repair", "creaks when I pedal", "slips")


@pytest.fixture(scope="module")
def shipped_heads() -> Heads:
    return load_heads(SHIPPED, fingerprint(bundled_weights()))


@pytest.fixture(scope="module")
def few() -> list[Example]:
    """The fewest shipped examples that have enough of every label and topic."""
    chosen: dict[str, Example] = {}
    shortest = sorted(read_examples([shipped("knowledge/examples")]), key=lambda e: len(e.text))
    everything = [e for e in shortest if e.teaches == "all"]
    for topic in TOPICS:
        chosen |= {e.id: e for e in [e for e in everything if e.topic == topic][:LEAST_OF_A_CLASS]}
    for label in LABELS:
        chosen |= {e.id: e for e in [e for e in everything if e.label == label][:LEAST_OF_A_CLASS]}
    for addressed in ADDRESSED:
        chosen |= {e.id: e for e in [e for e in everything if e.addressed == addressed and e.visibility == "public"][:3]}
    for code in sorted(LEARNED)[:2]:
        chosen |= {e.id: e for e in [e for e in everything if code in e.reasons][:LEAST_OF_A_REASON]}
    found = list(chosen.values())
    return [*found, found[0].model_copy(update={"id": "blank", "text": ""})]


@pytest.fixture(scope="module")
def patient(embedder: Embedder) -> Embedder:
    """The embedder, remembering what it has embedded: training is repeated here."""
    known: dict[tuple[str, ...], Vectors] = {}

    def encode(texts: list[str]) -> Vectors:
        if tuple(texts) not in known:
            known[tuple(texts)] = embedder.encode(texts)
        return known[tuple(texts)]

    return replace(embedder, encode=encode)


@pytest.fixture(scope="module")
def fitted(patient: Embedder) -> Callable[[list[Example]], Heads]:
    return lambda examples: train(examples, FAQS, TOPICS, patient, RULES)


@pytest.fixture(scope="module")
def trained(few: list[Example], fitted: Callable[[list[Example]], Heads]) -> Heads:
    return fitted(few)


class TestFeatures:
    def value(self, name: str, text: str, *signals: Signal) -> float:
        return float(features(text, signals)[feature_names().index(name)])

    @pytest.mark.parametrize(
        ("name", "text", "expected"),
        [
            ("question_mark", "Where is it?", 1.0),
            ("question_mark", "أين طلبي؟", 1.0),
            ("question_mark", "どこですか？", 1.0),
            ("question_mark", "where is it", 0.0),
            ("exclamation", "Now!", 1 / 3),
            ("exclamation", "Now!!!!!", 1.0),
            ("capitals", "WHERE IS IT", 1.0),
            ("capitals", "Where is it", 0.0),
            ("capitals", "OK", 0.0),
            ("angry_emoji", "😡", 0.5),
            ("angry_emoji", "😡🤬👎", 1.0),
            ("happy_emoji", "thanks 😍", 0.5),
            ("happy_emoji", "😡", 0.0),
            ("length", "x" * 500, 0.5),
            ("length", "x" * 10_000, 1.0),
        ],
    )
    def test_a_cheap_feature_says_what_its_name_says(self, name: str, text: str, expected: float) -> None:
        assert self.value(name, text) == pytest.approx(expected)

    def test_a_signal_is_a_feature(self) -> None:
        signal = Signal(code="sarcasm", evidence="great job")
        assert self.value("sarcasm", "great job", signal) == 1.0
        assert self.value("sarcasm", "great job") == 0.0
        assert self.value("profanity", "great job", signal) == 0.0

    @given(st.text(max_size=200))
    def test_every_text_has_every_feature_between_0_and_1(self, text: str) -> None:
        values = features(text, ())
        assert values.shape == (len(feature_names()),)
        assert ((values >= 0) & (values <= 1)).all()

    @pytest.mark.parametrize(
        ("topic", "text"),
        [
            ("delivery", "wo ist mein PAKET, die Lieferung"),
            ("refund", "wann kommt die Erstattung, ich will mein geld zurück"),
            ("returns", "I'd like to return it, where is the return label"),
            ("account", "j'ai oublié mon mot de passe, connexion impossible"),
        ],
    )
    def test_words_tell_their_topic(self, topic: str, text: str) -> None:
        found = dict(zip(word_topics(), topic_words(text), strict=True))
        assert found[topic] > 0
        assert found[topic] == max(found.values())

    def test_topic_words_are_read_without_case_and_accents(self) -> None:
        assert topic_words("RÜCKSENDUNG") == topic_words("rucksendung") != topic_words("nothing of the kind at all")

    def test_every_topic_of_the_words_is_one_of_the_brands(self) -> None:
        assert set(word_topics()) <= set(TOPICS)


class TestHead:
    HEAD = Head(("a", "b"), np.array([[2.0, 0.0], [0.0, -1.0]], np.float32), np.array([0.0, 1.0], np.float32))

    def test_independent_scores_are_each_a_probability(self) -> None:
        scores = self.HEAD.independent(np.array([1.0, 1.0], np.float32))
        assert scores == {"a": pytest.approx(0.8808, abs=1e-4), "b": pytest.approx(0.5)}

    def test_exclusive_scores_add_up_to_one(self) -> None:
        scores = self.HEAD.exclusive(np.array([1.0, 1.0], np.float32))
        assert sum(scores.values()) == pytest.approx(1)
        assert scores["a"] == pytest.approx(0.8808, abs=1e-4)

    def test_huge_scores_stay_numbers(self) -> None:
        head = Head(("a", "b"), np.array([[1e4], [-1e4]], np.float32), np.zeros(2, np.float32))
        assert head.exclusive(np.ones(1, np.float32)) == {"a": 1.0, "b": 0.0}

    def test_inputs_are_text_earlier_turns_and_features_in_this_order(self, shipped_heads: Heads) -> None:
        text, turns = np.array([1.0, 0.0], np.float32), np.array([[0.0, 1.0], [1.0, 0.0]], np.float32)
        row = shipped_heads.inputs(text, turns, np.array([1.0], np.float32))
        assert row.tolist() == [1.0, 0.0, 0.5 * EARLIER, 0.5 * EARLIER, FEATURE_WEIGHT]
        assert shipped_heads.inputs(text, None, np.array([1.0], np.float32)).tolist() == [1.0, 0.0, 0.0, 0.0, FEATURE_WEIGHT]
        assert shipped_heads.inputs(text, turns[:0], np.array([1.0], np.float32)).tolist()[2:4] == [0.0, 0.0]


class TestShippedHeads:
    def test_carry_the_fingerprint_of_the_default_embedder(self, embedder: Embedder, shipped_heads: Heads) -> None:
        assert shipped_heads.embedder == embedder.fingerprint

    def test_know_every_class(self, shipped_heads: Heads) -> None:
        assert shipped_heads.label.classes == LABELS
        assert shipped_heads.topic.classes == tuple(TOPICS)
        assert shipped_heads.addressed.classes == ADDRESSED
        assert shipped_heads.level.classes == ("moderate", "strong")
        for name in HEADS:
            head: Head = getattr(shipped_heads, name)
            assert head.weights.shape == (len(head.classes), 2 * 384 + len(feature_names()))
            assert np.isfinite(head.weights).all()
            assert np.isfinite(head.bias).all()

    def test_likeness_rises_with_the_cosine(self, shipped_heads: Heads) -> None:
        values = [shipped_heads.like(cosine) for cosine in np.linspace(-1, 1, 21)]
        assert values == sorted(values)
        assert values[0] < 0.01
        assert values[-1] > 0.9

    def test_centred_vectors_have_unit_length_and_a_zero_vector_is_no_error(
        self, shipped_heads: Heads, embedder: Embedder
    ) -> None:
        vectors = embedder.queries(["Where is my tent?", "Merci !"])
        for centred in (shipped_heads.centred_queries(vectors), shipped_heads.centred_passages(vectors)):
            assert np.allclose(np.linalg.norm(centred, axis=1), 1, atol=1e-4)
        assert np.isfinite(shipped_heads.centred_queries(shipped_heads.query_mean[None])).all()


class TestFile:
    def test_what_is_saved_is_what_is_loaded(self, tmp_path: Path, shipped_heads: Heads) -> None:
        path = tmp_path / "new" / "heads.safetensors"
        save_heads(shipped_heads, path)
        loaded = load_heads(path, shipped_heads.embedder)
        assert (loaded.embedder, loaded.version, loaded.likeness) == (
            shipped_heads.embedder, shipped_heads.version, shipped_heads.likeness,
        )  # fmt: skip
        one, two = shipped_heads.relevance, loaded.relevance
        assert (one.names, one.offset) == (two.names, two.offset)
        assert np.array_equal(one.weights, two.weights)
        assert np.array_equal(one.means, two.means)
        assert np.array_equal(loaded.query_mean, shipped_heads.query_mean)
        assert np.array_equal(loaded.passage_mean, shipped_heads.passage_mean)
        for name in HEADS:
            before, after = getattr(shipped_heads, name), getattr(loaded, name)
            assert before.classes == after.classes
            assert np.array_equal(before.weights, after.weights)
            assert np.array_equal(before.bias, after.bias)
        assert [p.name for p in path.parent.iterdir()] == [path.name]

    def test_the_same_heads_make_the_same_bytes(self, tmp_path: Path, shipped_heads: Heads) -> None:
        for number in range(6):
            save_heads(shipped_heads, tmp_path / f"{number}.safetensors")
        assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1

    def test_heads_of_another_embedder_are_refused_naming_both(self) -> None:
        with pytest.raises(ModelNotUsable) as caught:
            load_heads(SHIPPED, "feedfacefeedface")
        assert "feedfacefeedface" in caught.value.detail
        assert fingerprint(bundled_weights()) in caught.value.detail
        assert caught.value.detail.endswith("run firstreply train")

    def test_heads_with_other_features_are_refused(self, tmp_path: Path, shipped_heads: Heads) -> None:
        narrow = Head(shipped_heads.label.classes, shipped_heads.label.weights[:, :-1], shipped_heads.label.bias)
        path = tmp_path / "heads.safetensors"
        save_heads(replace(shipped_heads, label=narrow), path)
        with pytest.raises(ModelNotUsable, match="fitted by another version of firstreply: run firstreply train"):
            load_heads(path, shipped_heads.embedder)

    @pytest.mark.parametrize(
        "content", [None, b"", b"\x00" * 100, b"not heads at all", b"cut"], ids=["none", "empty", "zero", "text", "cut"]
    )
    def test_a_broken_file_is_refused_by_name(self, tmp_path: Path, content: bytes | None) -> None:
        path = tmp_path / "heads.safetensors"
        if content is not None:
            path.write_bytes(SHIPPED.read_bytes()[:5_000] if content == b"cut" else content)
        self.refused(path)

    def test_a_file_without_a_head_or_without_metadata_is_refused(self, tmp_path: Path) -> None:
        path, tensors = tmp_path / "heads.safetensors", load_file(SHIPPED)
        save_file(tensors, path)
        self.refused(path)
        del tensors["topic.bias"]
        save_file(tensors, path, metadata={"embedder": "e", "version": "v", "likeness": "[1, 2]", "classes": "{}"})
        self.refused(path)

    def refused(self, path: Path) -> None:
        with pytest.raises(ModelNotUsable, match="run firstreply train") as caught:
            load_heads(path, "e")
        assert str(path) in caught.value.detail
        assert "\n" not in caught.value.detail


class TestTraining:
    def test_twice_on_the_same_examples_gives_the_same_heads(
        self, few: list[Example], fitted: Callable[[list[Example]], Heads], trained: Heads
    ) -> None:
        again = fitted(few)
        assert (again.embedder, again.version, again.likeness) == (trained.embedder, trained.version, trained.likeness)
        assert np.array_equal(again.query_mean, trained.query_mean)
        assert np.array_equal(again.passage_mean, trained.passage_mean)
        for name in HEADS:
            one, two = getattr(trained, name), getattr(again, name)
            assert one.classes == two.classes
            assert np.array_equal(one.weights, two.weights), name
            assert np.array_equal(one.bias, two.bias), name

    def test_learns_what_the_labels_say(self, few: list[Example], trained: Heads, embedder: Embedder) -> None:
        centred = trained.centred_queries(embedder.queries([e.text or " " for e in few]))
        rows = np.stack(
            [trained.inputs(v, None, features(e.text, RULES.find(e.text, e.language))) for v, e in zip(centred, few, strict=True)]
        )
        for label in LABELS:
            scores = np.array([trained.labels(row)[label] for row in rows])
            truth = np.array([e.has(label) for e in few])
            assert scores[truth].mean() > scores[~truth].mean() + 0.25, label
        topics = [max(trained.topic.exclusive(row).items(), key=lambda pair: pair[1])[0] for row in rows]
        assert np.mean([found == e.topic for found, e in zip(topics, few, strict=True)]) > 0.7

    def test_messages_of_a_brands_own_topic_are_found_again(
        self, few: list[Example], patient: Embedder, trained: Heads, embedder: Embedder
    ) -> None:
        said = [f"{part} {fault}" for part in ("brake", "chain", "saddle", "pedal") for fault in BIKES]
        told = [(text, "bikes") for text in said]
        heads = train(few, FAQS, [*TOPICS, "bikes"], patient, RULES, told=told)
        text = "the chain came off and a spoke broke"
        row = heads.inputs(heads.centred_queries(embedder.queries([text]))[0], None, features(text, RULES.find(text, "en")))
        scores = heads.topic.exclusive(row)
        assert max(scores, key=lambda name: scores[name]) == "bikes"
        assert "bikes" not in trained.topic.classes

    def test_a_topic_with_too_few_messages_is_refused_and_says_how_many_are_missing(
        self, few: list[Example], patient: Embedder
    ) -> None:
        with pytest.raises(KnowledgeNotUsable, match=f"topic bikes has 1, {LEAST_OF_A_CLASS - 1} more needed"):
            train(few, FAQS, [*TOPICS, "bikes"], patient, RULES, told=[("my brake squeals", "bikes")])

    def test_an_own_message_counts_more_than_a_shipped_one(
        self, few: list[Example], patient: Embedder, fitted: Callable[[list[Example]], Heads]
    ) -> None:
        calm = next(e for e in few if e.label == "information_seeking" and e.text)
        odd = calm.model_copy(update={"id": "own", "label": "praise", "also": ()})

        def praise(heads: Heads) -> float:
            vector = heads.centred_queries(patient.queries([odd.text]))[0]
            return heads.labels(heads.inputs(vector, None, features(odd.text, RULES.find(odd.text, odd.language))))["praise"]

        as_any = praise(fitted([*few, odd]))
        as_own = praise(train([*few, odd], FAQS, TOPICS, patient, RULES, own=frozenset({"own"})))
        assert as_own > as_any

    def test_what_teaches_reasons_alone_changes_no_other_head(self, few: list[Example], patient: Embedder) -> None:
        apart = [e.model_copy(update={"id": f"{e.id}-h", "text": f"{e.text} again", "teaches": "reasons"}) for e in few]
        without, beside = (train(chosen, FAQS, TOPICS, patient, RULES) for chosen in (few, [*few, *apart]))
        for name in ("label", "level", "urgency", "topic", "addressed"):
            assert (getattr(without, name).weights == getattr(beside, name).weights).all(), name
        assert (without.query_mean == beside.query_mean).all()
        assert not np.array_equal(without.reasons.weights, beside.reasons.weights)

    def test_a_refit_keeps_the_committee_that_learned_from_more(
        self, few: list[Example], patient: Embedder, shipped_heads: Heads
    ) -> None:
        heads = train(few, FAQS, TOPICS, patient, RULES, start=shipped_heads)
        members = len(shipped_heads.frustration.out)
        assert np.array_equal(heads.frustration.hidden[:members], shipped_heads.frustration.hidden)
        assert len(heads.frustration.out) == members + NEW_MEMBERS
        assert np.array_equal(heads.query_mean, shipped_heads.query_mean)

    def test_a_message_with_no_words_does_not_stop_it(self, few: list[Example], trained: Heads) -> None:
        assert few[-1].text == ""
        assert trained.label.classes == LABELS

    def test_reasons_seen_too_seldom_have_no_head_and_other_examples_make_another_version(
        self, few: list[Example], fitted: Callable[[list[Example]], Heads], trained: Heads
    ) -> None:
        calm = fitted([e.model_copy(update={"reasons": ()}) for e in few])
        assert calm.reasons.classes == ()
        assert set(trained.reasons.classes) >= set(sorted(LEARNED)[:2])
        assert calm.version != trained.version

    def test_too_few_examples_are_refused_with_the_number_missing(
        self, few: list[Example], fitted: Callable[[list[Example]], Heads]
    ) -> None:
        without = [e for e in few if not e.has("praise")]
        with pytest.raises(KnowledgeNotUsable, match="label praise has 0, 20 more needed"):
            fitted(without)
