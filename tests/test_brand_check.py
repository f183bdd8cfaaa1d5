"""`brands check` names what is wrong in a brand's folder, with file, line and the nearest valid name; `brands new` passes it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from service.brand_check import check_brand
from service.brands import read_brand
from service.errors import SettingsNotUsable
from service.files import shipped
from service.new_brand import write_skeleton
from service.retrieve.folder import read_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The skeleton of a new brand, to be damaged."""
    return write_skeleton(tmp_path, "acme")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def only(folder: Path) -> str:
    (problem,) = check_brand("acme", folder)
    assert "\n" not in problem
    return problem


def test_the_shipped_brand_has_nothing_to_mend() -> None:
    assert check_brand("demo", shipped("knowledge/demo")) == []


def test_a_search_that_names_no_entry_is_named_with_the_nearest_one(folder: Path) -> None:
    (folder / "searches").mkdir()
    line = {"text": "how do i send it back", "language": "en", "faq": "return-item"}
    lines = [json.dumps(line), json.dumps(line | {"faq": None}), json.dumps(line | {"faq": "return-itme"})]
    (folder / "searches" / "en.jsonl").write_text("\n".join(lines[:2]), encoding="utf-8")
    assert check_brand("acme", folder) == []
    (folder / "searches" / "en.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert only(folder).endswith("en.jsonl:3: faq 'return-itme' is no entry of acme; did you mean 'return-item'?")


class TestNew:
    def test_a_new_brand_passes_and_carries_its_name(self, folder: Path) -> None:
        assert check_brand("acme", folder) == []
        brand = read_brand("acme", folder)
        assert (brand.identity.display_name, brand.voice("en").team) == ("Acme", "your Acme team")
        assert {entry.kind for entry in read_folder(folder)} == {"faq", "macro", "product"}

    def test_an_existing_folder_is_left_alone(self, folder: Path) -> None:
        (folder / "brand.yaml").write_text("mine", encoding="utf-8")
        with pytest.raises(SettingsNotUsable, match="exists already"):
            write_skeleton(folder.parent, "acme")
        assert (folder / "brand.yaml").read_text(encoding="utf-8") == "mine"

    @pytest.mark.parametrize("name", ["", "Acme", "a/b", "../up", "examples", "_default", "a b", "ä"])
    def test_a_name_that_cant_be_one_is_refused_before_anything_is_written(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(SettingsNotUsable, match="can't be a brand's name"):
            write_skeleton(tmp_path / "brands", name)
        assert not (tmp_path / "brands").exists()


class TestTerms:
    def test_an_answer_that_says_another_number_is_named(self, folder: Path) -> None:
        replace(folder / "terms/returns.yaml", "window_days: 30", "window_days: 14")
        problems = check_brand("acme", folder)
        assert len(problems) == 2  # the answer and its other wording
        assert "faqs/en/return-item.md:4: returns.window_days is 14 in terms/, the answer does not say so" in problems[0]
        assert "wording 2 does not say so" in problems[1]

    def test_one_wording_that_differs_is_named(self, folder: Path) -> None:
        replace(folder / "faqs/en/return-item.md", "come back to us for 30 days", "come back to us for 60 days")
        assert "wording 2 does not say so" in only(folder)

    def test_an_unknown_term_is_named_with_the_nearest(self, folder: Path) -> None:
        replace(folder / "faqs/en/return-item.md", "returns.window_days", "returns.windw_days")
        assert "unknown term 'returns.windw_days'; did you mean 'returns.window_days'?" in only(folder)

    @pytest.mark.parametrize(("term", "said"), [("4.95", "4,95"), ("5000", "5.000"), ("5000", "5 000"), ('"14:00"', "14 h 00")])
    def test_a_number_counts_however_the_language_writes_it(self, folder: Path, term: str, said: str) -> None:
        replace(folder / "terms/returns.yaml", "30", term)
        for old in ("30 days from", "30 days after"):
            replace(folder / "faqs/en/return-item.md", old, old.replace("30", said))
        assert check_brand("acme", folder) == []


class TestKnowledge:
    def test_an_empty_answer(self, folder: Path) -> None:
        path = folder / "faqs/en/return-item.md"
        path.write_text(path.read_text(encoding="utf-8").partition("\n# How")[0] + "\n# Title\n", encoding="utf-8")
        assert "return-item.md:13: after the front matter come `# The question` and the answer below it" in only(folder)

    def test_an_answer_of_20_001_characters(self, folder: Path) -> None:
        replace(folder / "faqs/en/return-item.md", "You have 30 days", "x" * 20_001)
        assert "at most 20000: split it into several FAQs" in only(folder)

    def test_a_long_answer_without_a_short_form(self, folder: Path) -> None:
        path = folder / "faqs/en/return-item.md"
        lines = [line for line in path.read_text(encoding="utf-8").split("\n") if not line.startswith("short:")]
        path.write_text("\n".join(lines).replace("You have 30 days", "Indeed. " * 100 + "You have 30 days"), encoding="utf-8")
        assert "no `short`: public replies need a short form" in only(folder)

    def test_an_unknown_topic_is_named_with_the_nearest(self, folder: Path) -> None:
        replace(folder / "macros/en/praise-product.md", "topic: product", "topic: prodcut")
        assert only(folder) == "macros/en/praise-product.md: unknown topic 'prodcut'; did you mean 'product'?"

    def test_a_text_with_a_colon_says_that_it_needs_quotes(self, folder: Path) -> None:
        replace(folder / "macros/en/praise-product.md", "  - love it!!", "  - one word: wow")
        assert "praise-product.md:6: messages.0: a text with a colon in it needs quotes around it" in only(folder)

    def test_a_translation_that_is_missing(self, folder: Path) -> None:
        replace(folder / "brand.yaml", "languages: [en] ", "languages: [en, de] ")
        found = check_brand("acme", folder)
        for missing in (
            "faqs/de/return-item.md",
            "macros/de/praise-product.md",
            "products/de.yaml: everyday-bag",
            "offers/de.yaml: spring-sale",
        ):
            assert any(problem.startswith(f"{missing} is missing") for problem in found), (missing, found)

    def test_an_offer_without_dates_or_without_text(self, folder: Path) -> None:
        replace(folder / "offers.yaml", "spring-sale:", "summer-sale:")
        assert "offers/en.yaml: spring-sale is not in offers.yaml, which says when it holds" in only(folder)

    def test_an_offer_that_ends_before_it_begins(self, folder: Path) -> None:
        replace(folder / "offers.yaml", "2027-03-31", "2026-03-31")
        assert only(folder) == "offers.yaml: spring-sale ends on 2026-03-31 before it begins on 2027-03-01"

    def test_a_placeholder_that_offers_do_not_know(self, folder: Path) -> None:
        replace(folder / "offers/en.yaml", "Until {until}", "Until {untill}")
        assert "spring-sale: an unknown placeholder" in only(folder)

    def test_a_product_that_goes_with_none_is_named_with_the_nearest(self, folder: Path) -> None:
        replace(folder / "products/catalogue.yaml", "[rain-cover]", "[rain-covr]")
        assert "catalogue.yaml:7: everyday-bag goes with 'rain-covr'; did you mean 'rain-cover'?" in only(folder)

    def test_a_misspelt_key_of_a_product(self, folder: Path) -> None:
        replace(folder / "products/catalogue.yaml", "goes_with: [rain-cover]", "goeswith: [rain-cover]")
        assert "did you mean 'goes_with'?" in only(folder)


class TestPeople:
    def test_an_order_without_dates(self, folder: Path) -> None:
        order = json.loads((folder / "orders.jsonl").read_text(encoding="utf-8"))
        bare = {key: value for key, value in order.items() if not key.endswith("_at")}
        (folder / "orders.jsonl").write_text(json.dumps(bare), encoding="utf-8")
        assert "MB-1001 is in_transit and has no date" in only(folder)

    @pytest.mark.parametrize(
        ("file", "wrong", "said"),
        [
            ("orders.jsonl", {"status": "flying"}, "line 2: order MB-2: status: 'flying' is not known"),
            ("orders.jsonl", {"placed_at": "2100-01-01"}, "line 2: order MB-2: placed_at: 2100-01-01 lies ahead"),
            ("orders.jsonl", {"total": {"amount": 5, "currency": "EUP"}}, "line 2: order MB-2: total.currency: 'EUP' is no"),
            ("customers.jsonl", {"order_id": None}, "line 2: order_id: unknown key"),
            ("customers.jsonl", {"customer_id": " "}, "line 2: customer_id: is empty"),
        ],
    )
    def test_a_bad_line_is_named_as_an_import_names_it(self, folder: Path, file: str, wrong: Any, said: str) -> None:
        line = json.loads((folder / file).read_text(encoding="utf-8"))
        other = {"order_id": "MB-2"} if file == "orders.jsonl" else {"customer_id": "C-2"}
        (folder / file).write_text(f"{json.dumps(line)}\n{json.dumps(line | other | wrong)}\n", encoding="utf-8")
        assert only(folder).startswith(f"{folder / file}: {said}")

    def test_an_order_dated_for_the_day_that_orders_are_written_for(self, folder: Path) -> None:
        replace(folder / "orders.jsonl", "2025-03", "2099-03")
        assert "placed_at: 2099-03-01 lies ahead" in only(folder)
        replace(folder / "brand.yaml", "countries:", "orders_as_of: 2099-03-20\ncountries:")
        assert check_brand("acme", folder) == []

    def test_an_order_and_a_contact_of_nobody(self, folder: Path) -> None:
        (folder / "customers.jsonl").write_text('{"customer_id":"C-2"}', encoding="utf-8")
        contact = {"contact_id": "K-1", "customer_id": "C-2", "order_id": "MB-9", "at": "2027-03-01T08:00:00Z", "label": "praise"}
        (folder / "contacts.jsonl").write_text(json.dumps(contact), encoding="utf-8")
        found = check_brand("acme", folder)
        assert [problem.rpartition(": ")[2] for problem in found] == [
            "MB-1001 belongs to C-1, who is not in customers.jsonl",
            "K-1 names order MB-9, which is not in orders.jsonl",
        ]


class TestVoice:
    def test_a_word_that_no_phrase_holds(self, folder: Path) -> None:
        replace(folder / "voice.yaml", "emoji: none}", "emoji: none, words: {chum: pal}}")
        assert only(folder) == "voice.yaml: en.words: 'chum' stands in no phrase"

    def test_a_signoff_with_an_unknown_placeholder(self, folder: Path) -> None:
        replace(folder / "voice.yaml", "emoji: none}", 'emoji: none, signoff: ["Bye, {temm}"]}')
        assert "unknown placeholder in 'Bye, {temm}'; here: team" in only(folder)

    def test_a_language_without_phrases_says_how_to_get_them(self, folder: Path) -> None:
        replace(folder / "brand.yaml", "languages: [en] ", "languages: [en, it] ")
        replace(folder / "voice.yaml", "en: {address", "it: {team: il team}\nen: {address")
        assert "no phrases for it: add phrases/it.yaml with the keys of prompts/compose/en.yaml" in check_brand("acme", folder)

    def test_an_own_phrase_with_an_unknown_placeholder(self, folder: Path) -> None:
        (folder / "phrases/en.yaml").write_text("ask:\n  order:\n    - Which {number}?\n", encoding="utf-8")
        assert "phrases/en.yaml: ask.order: unknown placeholder {number}" in only(folder)

    def test_an_own_phrase_under_an_unknown_key_is_named_with_the_nearest(self, folder: Path) -> None:
        (folder / "phrases/en.yaml").write_text("ask:\n  oder:\n    - Which one?\n", encoding="utf-8")
        assert "unknown key 'ask.oder'; did you mean 'ask.order'?" in only(folder)

    def test_a_phrase_file_of_a_new_language_lacks_nothing_or_is_refused(self, folder: Path) -> None:
        shutil.copy(shipped("prompts/compose/en.yaml"), folder / "phrases/it.yaml")
        replace(folder / "phrases/it.yaml", "language: en", "language: it")
        assert read_brand("acme", folder).phrases["it"].language == "it"
        replace(folder / "phrases/it.yaml", "\nwaiting:", "\nwating:")
        assert "it.yaml lacks waiting" in only(folder)
