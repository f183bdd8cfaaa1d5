"""Heads of reasons: where their thresholds lie, that spelling counts, and that everyday messages are left alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from service.escalate.policy import HARD
from service.files import shipped
from service.messages import Message, Understanding
from service.understand.build import fingerprint
from service.understand.classifier import feature_names, load_heads
from service.understand.embedder import Embedder
from service.understand.reason_heads import LEAST_OF_A_REASON, NEVER, Told, fit_reasons, threshold_of
from service.understand.signals import read_signal_rules
from service.understand.understanding import texts_of, understand
from service.understand.weights import bundled_weights

# Calm messages that no head has learned from: own contact data, invoices, opening hours, dates, small damage, settings.
EVERYDAY = [json.loads(line) for line in (Path(__file__).parent / "everyday.jsonl").read_text(encoding="utf-8").splitlines()]


class TestThreshold:
    SCORES = np.array([4.0, 3.0, 2.0, 1.0, 0.0])

    def of(self, code: str, truth: list[int], everyday: list[int]) -> float:
        return threshold_of(code, self.SCORES, np.array(truth, bool), np.array(everyday, bool))

    def test_goes_down_to_the_last_message_that_is_worth_the_wrong_ones_above_it(self) -> None:
        assert self.of("legal_threat", [1, 0, 0, 1, 0], [0, 0, 0, 0, 0]) == 1.0

    def test_stays_above_an_everyday_text_that_costs_more_than_is_gained(self) -> None:
        assert self.of("legal_threat", [1, 0, 0, 1, 0], [0, 1, 0, 0, 0]) == 4.0

    def test_of_a_crisis_a_wrong_one_costs_more(self) -> None:
        assert self.of("self_harm", [1, 0, 0, 1, 0], [0, 0, 0, 0, 0]) == 4.0

    def test_a_head_that_is_wrong_first_never_fires(self) -> None:
        assert self.of("legal_threat", [0, 0, 0, 0, 1], [1, 1, 0, 0, 0]) == NEVER


def test_words_spelt_alike_give_a_reason_that_the_vector_does_not_show() -> None:
    width = 2 * 8 + len(feature_names())
    threats = [f"you will hear from my solicitor about item {n}" for n in range(2 * LEAST_OF_A_REASON)]
    calm = [f"you will hear from my neighbour about item {n}" for n in range(4 * LEAST_OF_A_REASON)]
    texts = [*threats, *calm]
    told = Told(
        rows=np.zeros((len(texts), width), np.float32),
        texts=texts,
        reasons=[*[("legal_threat",)] * len(threats), *[()] * len(calm)],
        weights=np.ones(len(texts), np.float32),
        groups=texts,
        everyday=np.zeros(len(texts), bool),
    )
    reasons, meant, ngrams = fit_reasons(told)
    row = np.zeros(width, np.float32)
    score = {
        text: reasons.independent(row, ngrams.scores(text))["legal_threat"]
        for text in ("my solicitors will write", "my neighbours will write")
    }
    assert score["my solicitors will write"] > 0.5 > score["my neighbours will write"]
    assert np.array_equal(reasons.weights, meant.weights)
    assert np.array_equal(ngrams.weights, ngrams.weights.astype(np.float16))


@pytest.fixture(scope="module")
def understood(embedder: Embedder) -> dict[str, Understanding]:
    heads = load_heads(shipped("knowledge/heads.safetensors"), fingerprint(bundled_weights()))
    rules = read_signal_rules(shipped("knowledge/signals"))
    found = {}
    for line in EVERYDAY:
        message = Message(text=line["text"], channel=line["channel"], language=line["language"])
        texts = texts_of(message)
        languages = ("de", "en", "es", "fr", "nl", "sv")
        found[line["id"]] = understand(message, texts, embedder.queries(texts.all), heads, rules, languages)
    return found


def test_of_everyday_messages_hardly_any_is_named_for_a_hard_reason(understood: dict[str, Understanding]) -> None:
    named = {name: codes for name, seen in understood.items() if (codes := {s.code for s in seen.signals} & HARD)}
    assert len(named) <= 0.05 * len(EVERYDAY), named
