"""A brand's folder: read whole, or refused by file, line and the key that was probably meant."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from service.brands import Brand, brand_folders, read_brand
from service.errors import KnowledgeNotUsable
from service.files import digest_of, shipped
from service.messages import Issue, OrderStatus
from service.order_files.customers import customer_lines
from service.order_files.read import order_lines
from service.retrieve.folder import read_faqs, read_macros, read_offers, read_products
from service.retrieve.ingest import Report, read_contacts
from service.understand.embedder import sentences

DEMO = shipped("knowledge/demo")
LANGUAGES = ("de", "en", "es", "fr", "nl", "sv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the demo brand, to be damaged."""
    return Path(shutil.copytree(DEMO, tmp_path / "shop"))


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def line_of(path: Path, words: str) -> int:
    return next(n for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if words in line)


def refused(folder: Path) -> str:
    with pytest.raises(KnowledgeNotUsable) as caught:
        read_brand("shop", folder)
    assert "\n" not in caught.value.detail
    return caught.value.detail


class TestDemo:
    def test_is_read_whole(self) -> None:
        brand = read_brand("demo", DEMO)
        assert brand.identity.display_name == "Tarn & Timber"
        assert set(brand.identity.languages) == set(brand.voices) == set(LANGUAGES)
        assert set(brand.terms) == {
            "delivery", "gift_cards", "loyalty", "orders", "payment", "price_match", "refunds", "returns", "service", "warranty",
        }  # fmt: skip
        assert [t.id for t in brand.topics] == [
            "delivery", "order", "returns", "refund", "payment", "product", "warranty", "account", "offers", "technical",
            "service", "other",
        ]  # fmt: skip

    def test_has_the_same_entries_in_six_languages_each_found_in_many_words_and_said_in_three_ways(self) -> None:
        faqs = read_faqs(DEMO)
        entries = {language: {f.entry for f in faqs if f.language == language} for language in LANGUAGES}
        assert len(entries["en"]) >= 45
        assert all(found == entries["en"] for found in entries.values())
        topics = {t.id for t in read_brand("demo", DEMO).topics}
        assert [f.id for f in faqs if f.topic not in topics] == []
        assert [f.id for f in faqs if not f.short or len(f.short) > 170 or len(set(f.questions)) < 5] == []
        assert [f.id for f in faqs if len({f.answer, *f.wordings}) != 3] == []

    def test_wordings_share_no_sentence(self) -> None:
        for faq in read_faqs(DEMO):
            said = [set(sentences(text)) for text in (faq.answer, *faq.wordings)]
            assert len(said[0] | said[1] | said[2]) == sum(map(len, said)), faq.id

    def test_has_the_same_macros_in_six_languages_each_short_in_public(self) -> None:
        macros = read_macros(DEMO)
        entries = {language: {m.entry for m in macros if m.language == language} for language in LANGUAGES}
        assert len(entries["en"]) >= 25
        assert all(found == entries["en"] for found in entries.values())
        assert [m.id for m in macros if len(set(m.questions)) < 5 or len(m.publics) != 3 or len(m.wordings) != 1] == []
        filled = [(m.id, text.replace("{handle}", "@tarntimber_help")) for m in macros for text in m.publics]
        assert [name for name, text in filled if len(text) > 150] == []  # TikTok's limit
        assert {(m.entry, m.topic, m.labels) for m in macros} == {
            (m.entry, m.topic, m.labels) for m in macros if m.language == "en"
        }

    def test_has_products_with_a_title_in_every_language(self) -> None:
        catalogue = read_brand("demo", DEMO).catalogue
        assert len(catalogue) >= 60
        assert len({product.name for product in catalogue}) == len({product.sku for product in catalogue}) == len(catalogue)
        assert [p.id for p in catalogue if set(p.price) != {"EUR", "GBP", "SEK"} or not p.goes_with or p.id in p.goes_with] == []
        titles = {(p.entry, p.language) for p in read_products(DEMO)}
        assert titles == {(product.id, language) for product in catalogue for language in LANGUAGES}
        by_id = {product.id: product.name for product in catalogue}
        assert [p.id for p in read_products(DEMO) if not p.title.startswith(by_id[p.entry])] == []

    def test_an_offer_is_told_in_every_language_within_its_days(self) -> None:
        offers = read_offers(DEMO)
        assert {(o.entry, o.language) for o in offers} == {(o.entry, lang) for o in offers for lang in LANGUAGES}
        assert len({(o.valid_from, o.valid_until) for o in offers}) >= 4
        week = next(o for o in read_offers(DEMO, days=3) if o.id == "offer-black-week-de")
        assert (week.valid_from, week.valid_until) == ("2026-11-23", "2026-12-03")
        assert "3. Dezember" in week.answer

    def test_has_orders_in_every_state_and_trouble_with_what_came_before(self) -> None:
        def lines(name: str) -> list[str]:
            return (DEMO / name).read_text(encoding="utf-8").splitlines()

        report = Report()
        (customers, told), read = customer_lines(lines("customers.jsonl")), order_lines(lines("orders.jsonl"), date(2026, 11, 22))
        orders, contacts = read.orders, read_contacts(lines("contacts.jsonl"), report)
        assert (report.problems, told.problems, read.problems) == ([], [], [])
        assert (len(customers) >= 60, len(orders) >= 120, len(contacts) >= 30) == (True, True, True)
        states = Counter(order.status for order in orders)
        assert set(states) == set(get_args(OrderStatus))
        assert min(states.values()) >= 4
        assert min(Counter(order.issue for order in orders).values()) >= 3
        assert set(get_args(Issue)) <= {order.issue for order in orders}
        assert len({order.tracking for order in orders if order.tracking}) == sum(bool(order.tracking) for order in orders)
        assert all(contact.thread and contact.thread[0].role == "customer" for contact in contacts)

    def test_entries_say_the_same_numbers_in_every_language(self) -> None:
        by_entry: dict[str, dict[str, list[str]]] = {}
        for faq in read_faqs(DEMO):
            for number, text in enumerate((faq.answer, *faq.wordings)):
                found = sorted(set("".join(c if c.isdigit() else " " for c in text).split()))
                by_entry.setdefault(f"{faq.entry} {number}", {})[faq.language] = found
        differing = {entry: numbers for entry, numbers in by_entry.items() if any(n != numbers["en"] for n in numbers.values())}
        assert differing == {}

    def test_links_lead_to_its_own_hosts_in_the_language_of_the_entry(self) -> None:
        assert [f.id for f in read_faqs(DEMO) if f.url != f"https://help.tarnandtimber.example/{f.language}/{f.entry}"] == []

    def test_queues_follow_the_topic(self) -> None:
        brand = read_brand("demo", DEMO)
        queues = [brand.queue_of(topic) for topic in ("delivery", "refund", "payment", "account", "weather")]
        assert queues == ["delivery", "aftercare", "payments", "general", "general"]

    def test_support_handles_are_those_of_the_channel_or_the_default(self) -> None:
        brand = read_brand("demo", DEMO)
        assert (brand.support_handle("x"), brand.support_handle("tiktok")) == ("@tarntimber_help", "@tarnandtimber")

    @pytest.mark.parametrize(
        ("country", "language", "phone"),
        [
            ("IE", "en", "116 123"),
            ("DE", "en", "0800 111 0 111"),
            (None, "sv", "90101"),
            (None, "en", "116 123"),
            ("PL", "fr", "3114"),
        ],
    )
    def test_the_help_line_is_that_of_the_country_else_of_the_language(
        self, country: str | None, language: str, phone: str
    ) -> None:
        line = read_brand("demo", DEMO).help_line(country, language)
        assert line is not None
        assert line.phone == phone

    def test_no_help_line_is_better_than_a_wrong_one(self) -> None:
        assert read_brand("demo", DEMO).help_line("PL", "pl") is None


class TestTypos:
    @pytest.mark.parametrize(
        ("file", "old", "new", "key", "near"),
        [
            ("brand.yaml", "default_language:", "default_langauge:", "default_langauge", "default_language"),
            ("brand.yaml", "  phone:", "  fone:", "contact.fone", "phone"),
            ("brand.yaml", "help_lines:", "helplines:", "helplines", "help_lines"),
            ("escalation.yaml", "threshold:", "treshold:", "treshold", "threshold"),
            ("escalation.yaml", "opening_hours:", "openning_hours:", "openning_hours", "opening_hours"),
            ("topics.yaml", "queue: delivery", "que: delivery", "topics.0.que", "queue"),
        ],
    )
    def test_name_file_line_and_the_nearest_key(self, folder: Path, file: str, old: str, new: str, key: str, near: str) -> None:
        replace(folder / file, old, new)
        line = line_of(folder / file, new)
        assert refused(folder) == f"{folder / file}:{line}: unknown key {key!r}; did you mean {near!r}?"

    def test_in_the_voice_name_the_line_too(self, folder: Path) -> None:
        replace(folder / "voice.yaml", "de: {address:", "de: {adress:")
        assert refused(folder).startswith(f"{folder / 'voice.yaml'}:{line_of(folder / 'voice.yaml', 'adress')}: ")

    def test_a_key_far_from_any_lists_those_there_are(self, folder: Path) -> None:
        replace(folder / "brand.yaml", "contact:\n", "contact:\n  qqqqqqqq: 1\n")
        assert refused(folder).endswith("unknown key 'contact.qqqqqqqq'; valid keys: email, phone, hours")

    @pytest.mark.parametrize(
        ("file", "old", "new", "said"),
        [
            ("brand.yaml", "default_language: en", "default_language: it", "default_language 'it' is not one of languages"),
            ("brand.yaml", "  x:", "  myspace:", "support_handles"),
            ("escalation.yaml", "churn_risk: 0.35", "churn_risk: much", "weights.churn_risk"),
            ("escalation.yaml", "  churn_risk: 0.35", "  legal_threat: 0.35", "legal_threat always escalates"),
            ("voice.yaml", "address: formal", "address: royal", "address"),
        ],
    )
    def test_a_wrong_value_names_file_line_and_key(self, folder: Path, file: str, old: str, new: str, said: str) -> None:
        replace(folder / file, old, new)
        detail = refused(folder)
        assert detail.startswith(f"{folder / file}:")
        assert detail.removeprefix(f"{folder / file}:").split(":")[0].isdigit()
        assert said in detail

    def test_a_wrong_value_is_named_at_its_own_line(self, folder: Path) -> None:
        replace(folder / "escalation.yaml", "churn_risk: 0.35", "churn_risk: much")
        assert refused(folder).startswith(
            f"{folder / 'escalation.yaml'}:{line_of(folder / 'escalation.yaml', 'much')}: weights.churn_risk: "
        )


class TestBrokenFiles:
    @pytest.mark.parametrize("file", ["brand.yaml", "voice.yaml", "topics.yaml", "escalation.yaml", "terms/returns.yaml"])
    @pytest.mark.parametrize("content", [b"a: [\n", b"\xff\xfe\x00", b"key: 'open\n"], ids=["bracket", "encoding", "quote"])
    def test_are_refused_by_name(self, folder: Path, file: str, content: bytes) -> None:
        (folder / file).write_bytes(content)
        assert refused(folder).startswith(str(folder / file))

    @pytest.mark.parametrize(
        ("file", "content"),
        [
            *((file, "") for file in ("brand.yaml", "topics.yaml", "escalation.yaml")),
            *((file, "just words\n") for file in ("brand.yaml", "topics.yaml", "escalation.yaml", "voice.yaml")),
            *((file, "- a\n- b\n") for file in ("brand.yaml", "topics.yaml", "escalation.yaml", "voice.yaml")),
        ],
    )
    def test_a_file_of_another_form_is_refused_by_name(self, folder: Path, file: str, content: str) -> None:
        (folder / file).write_text(content, encoding="utf-8")
        assert refused(folder).startswith(str(folder / file))

    def test_a_timezone_that_does_not_exist_is_refused(self, folder: Path) -> None:
        replace(folder / "brand.yaml", "Europe/Amsterdam", "Europe/Amsterdamm")
        assert "timezone" in refused(folder)

    def test_a_byte_order_mark_is_no_error(self, folder: Path) -> None:
        path = folder / "brand.yaml"
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert read_brand("shop", folder).identity.display_name == "Tarn & Timber"


class TestFaqFiles:
    def refused(self, folder: Path, content: str) -> str:
        path = folder / "faqs" / "de" / "late-parcel.md"
        path.write_text(content, encoding="utf-8")
        with pytest.raises(KnowledgeNotUsable) as caught:
            read_faqs(folder)
        assert "\n" not in caught.value.detail
        return caught.value.detail.removeprefix(str(path))

    def test_a_typo_in_the_front_matter_names_file_line_and_nearest_key(self, folder: Path) -> None:
        detail = self.refused(folder, "---\ntopic: delivery\nquestion:\n  - wo ist es\n---\n# Wo?\n\nDa.\n")
        assert detail == ":3: unknown key 'question'; did you mean 'questions'?"

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            ("# Wo?\n\nDa.\n", ":1: begins with front matter between two lines of ---"),
            ("---\ntopic: delivery\n# Wo?\n\nDa.\n", ":1: begins with front matter between two lines of ---"),
            ("---\ntopic: delivery\n---\nDa.\n", ":4: after the front matter come `# The question` and the answer below it"),
            ("---\ntopic: delivery\n---\n# Wo?\n", ":4: after the front matter come `# The question` and the answer below it"),
            ("---\ntopic: delivery\nvalid_until: soon\n---\n# Wo?\n\nDa.\n", ":3: valid_until: "),
            ("---\ntopic: delivery\naudience: friends\n---\n# Wo?\n\nDa.\n", ":3: audience: "),
            ("---\ntopic: delivery\nquestions: wo\n---\n# Wo?\n\nDa.\n", ":3: questions: "),
            ("---\ntopic: delivery\nquestions:\n  - wo\n  - [a]\n---\n# Wo?\n\nDa.\n", ":5: questions.1: "),
            ("---\ntopic: delivery\nshort: 'open\n---\n# Wo?\n\nDa.\n", ":"),
            ("---\n- a\n---\n# Wo?\n\nDa.\n", ":2: "),
        ],
        ids=["none", "open", "no title", "no answer", "date", "audience", "questions", "one question", "yaml", "list"],
    )
    def test_a_bad_file_names_file_and_line(self, folder: Path, content: str, expected: str) -> None:
        assert self.refused(folder, content).startswith(expected)

    def test_windows_line_ends_are_read_like_any(self, folder: Path) -> None:
        path = folder / "faqs" / "de" / "late-parcel.md"
        before = next(f for f in read_faqs(folder) if f.id == "faq-late-parcel-de")
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        assert next(f for f in read_faqs(folder) if f.id == "faq-late-parcel-de") == before


class TestFolders:
    def test_the_demo_and_the_users_brands_are_found_and_theirs_win(self, tmp_path: Path) -> None:
        for name in ("shop", "demo", "examples", "empty"):
            (tmp_path / name).mkdir()
            if name != "empty":
                shutil.copy(DEMO / "brand.yaml", tmp_path / name)
        found = brand_folders(tmp_path, demo=True)
        assert found == {"demo": tmp_path / "demo", "shop": tmp_path / "shop"}
        assert brand_folders(None, demo=True) == {"demo": DEMO}
        assert brand_folders(None, demo=False) == {}

    def test_a_folder_that_is_none_is_refused_with_the_setting_to_mend(self, tmp_path: Path) -> None:
        with pytest.raises(KnowledgeNotUsable, match="is not a folder: set FIRSTREPLY_KNOWLEDGE_DIR"):
            brand_folders(tmp_path / "nothing", demo=True)

    def test_what_a_brand_leaves_out_comes_from_the_default(self, tmp_path: Path) -> None:
        (tmp_path / "brand.yaml").write_text("display_name: Moss\nlanguages: [en]\ndefault_language: en\n", encoding="utf-8")
        brand, demo = read_brand("moss", tmp_path), read_brand("demo", DEMO)
        assert (brand.identity.display_name, brand.terms, brand.voice("en").team) == ("Moss", {}, "your customer care team")
        assert brand.policy.weights == demo.policy.weights
        assert brand.policy.timezone == "UTC"
        assert brand.topics == demo.topics

    def test_a_brand_without_a_folder_goes_by_its_name(self) -> None:
        brand: Brand = read_brand("moss", None)
        assert (brand.identity.display_name, brand.support_handle("x"), brand.help_line("DE", "de")) == ("moss", None, None)
        assert brand.voice("it").team == "moss"

    def test_the_digest_changes_with_names_and_bytes_and_with_nothing_else(self, tmp_path: Path) -> None:
        one, two = tmp_path / "a.yaml", tmp_path / "b.yaml"
        one.write_text("x")
        two.write_text("y")
        before = digest_of([one, two])
        assert before == digest_of([two, one])
        assert len(before) == 12
        two.write_text("z")
        assert digest_of([one, two]) != before
