"""The files that say what the checks look for: all six are sound, and a mistake in one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.draft.checks.wording import clauses_of, languages, plain, read_wording, sentences_of, stands_in, words_of
from service.errors import KnowledgeNotUsable
from service.files import shipped

ENGLISH = shipped("prompts/checks/en.yaml")


def test_there_is_a_file_for_each_language() -> None:
    assert languages() == ("de", "en", "es", "fr", "nl", "sv")


@pytest.mark.parametrize("language", languages())
def test_every_language_has_the_same_groups(language: str) -> None:
    given, english = words_of(language).given, words_of("en").given
    assert given.promises.keys() == english.promises.keys()
    assert given.forbidden.keys() == english.forbidden.keys()
    assert given.relative.keys() == english.relative.keys()
    assert given.units.keys() | {"fortnights"} == english.units.keys()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("courtesies:", "courtesy:", "unknown key 'courtesy'; did you mean 'courtesies'?"),
        ("reimburs\\w+", "reimburs(\\w+", "is no regular expression"),
        ("soon: [", "soon: [no, ", "valid string"),
    ],
)
def test_a_mistake_is_named_with_the_file(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "en.yaml"
    path.write_text(ENGLISH.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(KnowledgeNotUsable, match=r"en\.yaml") as error:
        read_wording(path)
    assert told in str(error.value)


def test_a_language_without_a_file_is_read_by_the_english_one() -> None:
    assert words_of("it").given == words_of("en").given


def test_sentences_end_at_their_ends() -> None:
    text = "Hallo Lena,\n\nes kommt am 24. November, z. B. um 9. Danke! Bis bald"
    assert sentences_of(text) == ("Hallo Lena,", "es kommt am 24. November, z. B. um 9.", "Danke!", "Bis bald")
    assert clauses_of("We’re sorry, but we can’t", words_of("en")) == ["We’re sorry", "but we can’t"]
    assert plain("it’s\u00a0ours") == "it's ours"


@pytest.mark.parametrize(("value", "found"), [("lena", True), ("len", False), ("ena", False), ("lena v", True), ("", False)])
def test_a_value_stands_in_a_text_as_a_word(value: str, found: bool) -> None:
    assert stands_in(value, "hallo lena v.") is found
