"""The labelled messages the heads learn from: readable, enough of them, and no two alike."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from service.brands import read_brand
from service.errors import KnowledgeNotUsable
from service.files import shipped
from service.messages import ADDRESSED, LABELS, LEVELS, URGENCIES
from service.understand.examples import LEAST_OF_A_CLASS, Example, check_classes, read_examples

FOLDER = shipped("knowledge/examples")
EXAMPLES = read_examples([FOLDER])
TOPICS = [topic.id for topic in read_brand("demo", None).topics]
LANGUAGES = ("de", "en", "es", "fr", "nl", "sv")
LINE = {
    "id": "en-1", "language": "en", "text": "Where is my tent?", "label": "information_seeking",
    "level": "none", "topic": "delivery",
}  # fmt: skip


def of(language: str) -> list[Example]:
    return [example for example in EXAMPLES if example.language == language]


class TestShipped:
    def test_every_line_of_every_file_is_an_example(self) -> None:
        lines = [
            line for path in FOLDER.glob("*.jsonl") for line in path.read_text(encoding="utf-8").splitlines() if line.strip()
        ]
        assert len(EXAMPLES) == len(lines) >= 600

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_each_language_has_its_share(self, language: str) -> None:
        assert len(of(language)) >= 100
        assert {e.language for e in read_examples([FOLDER]) if e.id.startswith(language)} == {language}

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_no_opening_comes_up_again_and_again(self, language: str) -> None:
        examples = of(language)
        openings = Counter(" ".join(words[:4]) for e in examples if len(words := e.text.lower().split()) >= 4)
        assert {opening: n for opening, n in openings.items() if n > max(1, 0.005 * len(examples))} == {}

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_no_text_stands_twice_in_a_language(self, language: str) -> None:
        texts = Counter(" ".join(e.text.casefold().split()) for e in of(language))
        assert [text for text, n in texts.items() if n > 1] == []

    def test_no_text_longer_than_a_shout_stands_twice_at_all(self) -> None:
        texts = Counter(" ".join(e.text.casefold().split()) for e in EXAMPLES if len(e.text.split()) > 1)
        assert [text for text, n in texts.items() if n > 1] == []

    def test_no_id_stands_twice(self) -> None:
        assert [i for i, n in Counter(e.id for e in EXAMPLES).items() if n > 1] == []

    def test_labels_do_not_contradict_each_other(self) -> None:
        assert [e.id for e in EXAMPLES if e.has("frustration") is (e.level == "none")] == []
        assert [e.id for e in EXAMPLES if e.label in e.also] == []
        assert [e.id for e in EXAMPLES if bool(e.thread) is (e.trajectory is None)] == []
        assert [e.id for e in EXAMPLES if e.topic not in TOPICS] == []

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_each_language_shows_every_label_and_every_class_shows_up(self, language: str) -> None:
        examples = of(language)
        assert {e.label for e in examples} == set(LABELS)
        assert {e.level for e in examples} == set(LEVELS)
        assert {e.topic for e in examples} == set(TOPICS)
        assert {e.urgency for e in examples} == set(URGENCIES)
        assert {e.addressed for e in examples} == set(ADDRESSED)

    def test_there_are_enough_to_train_on(self) -> None:
        check_classes(EXAMPLES, TOPICS)


class TestReading:
    def write(self, folder: Path, *lines: str) -> Path:
        path = folder / "own.jsonl"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def test_files_of_several_folders_are_read_in_order_and_empty_lines_skipped(self, tmp_path: Path) -> None:
        (tmp_path / "more").mkdir()
        self.write(tmp_path, json.dumps(LINE), "", json.dumps(LINE | {"id": "en-2"}))
        self.write(tmp_path / "more", json.dumps(LINE | {"id": "en-3"}))
        assert [e.id for e in read_examples([tmp_path, tmp_path / "more"])] == ["en-1", "en-2", "en-3"]

    def test_an_unusual_line_break_inside_a_text_does_not_end_its_line(self, tmp_path: Path) -> None:
        self.write(tmp_path, json.dumps(LINE | {"text": "one\u2028two\u0085three"}, ensure_ascii=False))
        assert [e.text for e in read_examples([tmp_path])] == ["one\u2028two\u0085three"]

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"label": "angry"}, "label"),
            ({"levle": "none"}, "levle"),
            ({"level": "extreme"}, "level"),
            ({"thread": [{"role": "agent", "text": "Hi"}]}, "thread.0.role"),
            ({"text": "x" * 10_001}, "text"),
            ({"channel": "myspace"}, "channel"),
        ],
        ids=["label", "unknown key", "level", "thread", "length", "channel"],
    )
    def test_a_wrong_line_is_named_by_file_line_and_field(self, tmp_path: Path, change: dict[str, object], said: str) -> None:
        path = self.write(tmp_path, json.dumps(LINE), json.dumps(LINE | change))
        with pytest.raises(KnowledgeNotUsable) as caught:
            read_examples([tmp_path])
        assert caught.value.detail.startswith(f"{path}:2: {said}: ")

    def test_a_line_that_is_no_json_is_named(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, json.dumps(LINE), json.dumps(LINE), "{not json")
        with pytest.raises(KnowledgeNotUsable) as caught:
            read_examples([tmp_path])
        assert caught.value.detail.startswith(f"{path}:3: ")
        assert "\n" not in caught.value.detail

    def test_a_file_in_another_encoding_is_refused_by_name(self, tmp_path: Path) -> None:
        (tmp_path / "own.jsonl").write_bytes(json.dumps(LINE | {"text": "für"}, ensure_ascii=False).encode("latin-1"))
        with pytest.raises(KnowledgeNotUsable, match=r"own\.jsonl"):
            read_examples([tmp_path])


class TestEnough:
    def test_what_is_missing_is_counted_for_every_class(self) -> None:
        few = [e for e in EXAMPLES if e.label == "praise"][:7]
        with pytest.raises(KnowledgeNotUsable) as caught:
            check_classes(few, TOPICS)
        for name in ("frustration", "information_seeking", "other"):
            has = sum(e.has(name) for e in few)  # type: ignore[arg-type]
            assert f"label {name} has {has}, {LEAST_OF_A_CLASS - has} more needed" in caught.value.detail
        assert "label praise has 7, 13 more needed" in caught.value.detail
        delivery = sum(e.topic == "delivery" for e in few)
        assert f"topic delivery has {delivery}, {LEAST_OF_A_CLASS - delivery} more needed" in caught.value.detail

    def test_one_too_few_is_too_few_and_the_least_is_enough(self) -> None:
        def examples(count: int) -> list[Example]:
            return [
                Example.model_validate(LINE | {"id": f"{label}-{n}", "label": label, "level": "mild", "topic": "delivery"})
                for label in LABELS
                for n in range(count)
            ]

        check_classes(examples(LEAST_OF_A_CLASS), ["delivery"])
        with pytest.raises(KnowledgeNotUsable, match="label frustration has 19, 1 more needed; label information_seeking"):
            check_classes(examples(LEAST_OF_A_CLASS - 1), ["delivery"])

    def test_a_topic_the_brand_does_not_have_is_named(self) -> None:
        with pytest.raises(KnowledgeNotUsable, match="unknown topics delivery; the brand's are weather"):
            check_classes([Example.model_validate(LINE)] * 100, ["weather"])
