"""The phrases: the same keys in every language, only placeholders that are filled in, and errors that name their place."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
import yaml
from builders import LANGUAGES, PHRASES
from hypothesis import given
from hypothesis import strategies as st

from service.draft.phrases import PLACEHOLDERS, Phrases, brand_phrases, chosen, read_phrases
from service.errors import KnowledgeNotUsable
from service.files import shipped

FOLDER = shipped("prompts/compose")
EN = PHRASES["en"]
ENDS = re.compile(r"[.?!…][”»]?[^\w.,;:]*$")  # an emoji may follow


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


class TestShipped:
    def test_every_language_is_there_and_named(self) -> None:
        assert set(PHRASES) == set(LANGUAGES)
        assert all(phrases.language == language for language, phrases in PHRASES.items())

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_address_is_the_demo_brands(self, language: str) -> None:
        assert PHRASES[language].address == ("formal" if language == "fr" else "informal")

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_the_keys_are_those_of_english(self, language: str) -> None:
        assert set(PHRASES[language].variants) == set(EN.variants)

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_key_uses_the_same_placeholders_as_in_english(self, language: str) -> None:
        differing = {
            key: used
            for key, variants in PHRASES[language].variants.items()
            if (used := set().union(*map(placeholders, variants))) != set().union(*map(placeholders, EN.variants[key]))
        }
        assert differing == {}

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_no_variant_stands_twice_under_a_key(self, language: str) -> None:
        assert [k for k, variants in PHRASES[language].variants.items() if len(set(variants)) < len(variants)] == []

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_phrase_ends_as_a_sentence_does(self, language: str) -> None:
        fragments = ("greeting.", "signoff", "when.", "second")
        open_ended = [
            text
            for key, variants in PHRASES[language].variants.items()
            if not key.startswith(fragments)
            for text in variants
            if not ENDS.search(text)
        ]
        assert open_ended == []

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_public_phrase_has_a_short_variant_and_says_nothing_personal(self, language: str) -> None:
        for key, variants in PHRASES[language].variants.items():
            if key.endswith(".public") or key.startswith("empathy.") or key in ("repeat", "waiting", "resolved", "greeting_only"):
                assert min(map(len, variants)) <= 60, key
                assert not set().union(*map(placeholders, variants)), key
            if key.startswith("public."):
                filled = [v.format(handle="@tarntimber_help", email="help@tarnandtimber.example") for v in variants]
                assert min(map(len, filled)) <= 85, key

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_an_order_without_dates_can_still_be_told(self, language: str) -> None:
        for key in PHRASES[language].variants:
            if key.startswith("order.") and key not in ("order.refund_due", "order.replacement", "order.held"):
                values = {"order": "A-1001", "amount": "219,00 €"}
                assert PHRASES[language].options(key, values), key

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_holding_text_reads_without_a_gap_with_each_deadline(self, language: str) -> None:
        phrases = PHRASES[language]
        for when in ("today", "tomorrow", "day"):
            (deadline,) = phrases.options(f"when.{when}", {"time": "17:30", "date": "24 November"})
            for key in phrases.variants:
                if key.startswith("handoff.") and key.endswith(".private"):
                    options = phrases.options(key, {"when": deadline, "help_line": "Samaritans, 116 123"})
                    assert options, key
                    wanted = "116 123" if "self_harm" in key else deadline
                    assert all(wanted in text for text in options), key


class TestOptions:
    PHRASES = Phrases("en", "informal", {"k": ("Due {due} of {order}.", "{order} is due {due}.", "{order} it is.", "No gap.")})

    def test_those_that_use_the_most_values_and_have_no_gap(self) -> None:
        assert self.PHRASES.options("k", {"due": "today", "order": "A-1"}) == ["Due today of A-1.", "A-1 is due today."]
        assert self.PHRASES.options("k", {"order": "A-1"}) == ["A-1 it is."]
        assert self.PHRASES.options("k", {}) == ["No gap."]
        assert self.PHRASES.options("nothing", {}) == []

    def test_braces_in_a_value_stay_as_they_are(self) -> None:
        assert self.PHRASES.options("k", {"order": "{due}"}) == ["{due} it is."]


class TestChosen:
    @given(st.lists(st.text(), max_size=5), st.lists(st.text(), max_size=3))
    def test_is_one_of_them_and_the_same_for_the_same_seed(self, options: list[str], seed: list[str]) -> None:
        found = chosen(options, *seed)
        assert found == chosen(options, *seed)
        assert found in options if options else found is None

    def test_spreads_over_all_of_them(self) -> None:
        found = [chosen(["a", "b", "c"], "key", f"message {n}") for n in range(300)]
        assert all(60 < found.count(option) < 140 for option in "abc")

    def test_parts_of_a_seed_do_not_run_together(self) -> None:
        options = [str(n) for n in range(1_000)]
        assert chosen(options, "ab", "c") != chosen(options, "a", "bc")


class TestBrokenFiles:
    def read(self, folder: Path, language: str, content: str) -> str:
        (folder / "en.yaml").write_text(
            'language: en\naddress: informal\nhi:\n  named: ["Hi."]\nrepeat: ["Again."]\n', encoding="utf-8"
        )
        (folder / f"{language}.yaml").write_text(content, encoding="utf-8")
        with pytest.raises(KnowledgeNotUsable) as caught:
            read_phrases(folder)
        assert f"{language}.yaml" in caught.value.detail
        assert "\n" not in caught.value.detail
        return caught.value.detail

    def test_an_unknown_placeholder_is_named_with_those_allowed(self, tmp_path: Path) -> None:
        detail = self.read(tmp_path, "de", 'greeting:\n  named: ["Hallo {nmae},"]\n')
        assert "greeting.named: unknown placeholder {nmae}; here: name" in detail
        assert "hi.named: unknown placeholder {name}; here: none" in self.read(
            tmp_path, "de", 'hi:\n  named: ["Hallo {name},"]\n'
        )

    @pytest.mark.parametrize(
        "stray", ["Wieder {", "Wieder }.", "Wieder {name.", "{}", "{name!x}", "{name:>9}", "{name.real}", "{0}"]
    )
    def test_a_stray_brace_is_named_with_its_key(self, tmp_path: Path, stray: str) -> None:
        assert "signoff" in self.read(tmp_path, "de", yaml.safe_dump({"signoff": [stray]}))

    def test_a_language_of_a_brand_from_before_a_key_came_says_what_comes_nearest(self, tmp_path: Path) -> None:
        later = ("handoff.hurt.private", "handoff.hurt.public", "handoff.help_line")
        whole = yaml.safe_load((shipped("prompts/compose") / "en.yaml").read_text(encoding="utf-8"))
        del whole["handoff"]["hurt"], whole["handoff"]["help_line"]
        (tmp_path / "ga.yaml").write_text(yaml.safe_dump(whole | {"language": "ga"}), encoding="utf-8")
        said = brand_phrases(shipped("prompts/compose"), tmp_path, {})["ga"].variants
        assert said["handoff.hurt.public"] == said["handoff.safety.public"]
        assert [key for key in later if key in said] == ["handoff.hurt.private", "handoff.hurt.public"]

    def test_a_missing_key_is_named(self, tmp_path: Path) -> None:
        assert "lacks repeat (en.yaml has it)" in self.read(tmp_path, "de", 'hi:\n  named: ["Hallo."]\n')

    @pytest.mark.parametrize("value", ["Wieder.", "[]", "['']", "[1]", "null", "[[a]]"])
    def test_a_key_that_is_no_list_of_phrases_is_named(self, tmp_path: Path, value: str) -> None:
        assert "repeat must be a list of phrases" in self.read(tmp_path, "de", f"repeat: {value}\n")

    @pytest.mark.parametrize("content", ["", "- a\n", "a: [\n", "just words"])
    def test_a_file_without_keys_is_named(self, tmp_path: Path, content: str) -> None:
        self.read(tmp_path, "de", content)

    def test_english_is_needed(self, tmp_path: Path) -> None:
        with pytest.raises(KnowledgeNotUsable, match=r"en\.yaml is missing"):
            read_phrases(tmp_path)

    def test_every_list_of_placeholders_belongs_to_a_key(self) -> None:
        assert set(PLACEHOLDERS) <= {key.split(".")[0] for key in EN.variants}
