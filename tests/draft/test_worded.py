"""What makes a draft worth sending: macros, wordings, trouble named, photos not asked for twice, a brand's own manner."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import DEMO, LANGUAGES, escalation, message, order, passage, reason, understanding

from service.brands import Brand, Voice
from service.draft.channels import length, spelt
from service.draft.phrases import brand_phrases
from service.draft.plan import Plan
from service.draft.trouble import issue_of
from service.draft.write import compose
from service.files import shipped
from service.messages import (
    Attachment,
    Context,
    Draft,
    Escalation,
    Macro,
    Message,
    OrderEvent,
    PastTriage,
    Suggestion,
    Understanding,
)
from service.understand.embedder import sentences

LOVE = Macro(
    id="love",
    language="en",
    texts=("We’re delighted. Enjoy it.", "What a message. Thank you."),
    publics=("Thank you!",),
    score=0.95,
)
PRAISE = understanding("praise", "en", topic="product")
COMPOSE = shipped("prompts/compose")


def draft(
    said: Message, what: Understanding, context: Context | None = None, to: Escalation | None = None, brand: Brand = DEMO
) -> Draft:
    return compose(said, what, context or Context(), to or escalation(), brand, brand.phrases)[0]


def private(found: Draft) -> str:
    assert found.private is not None
    return found.private.text


class TestMacro:
    def test_is_the_reply_and_named_and_cited(self) -> None:
        found = draft(message("love it", channel="instagram"), PRAISE, Context(macro=LOVE))
        assert (found.action, found.macro) == ("reply", "love")
        assert found.public is not None
        assert found.public.text == "Thank you!"
        assert any(text in private(found) for text in LOVE.texts)
        assert {citation.source for citation in found.citations} == {"macro-love-en"}

    def test_a_message_that_escalates_never_gets_it(self) -> None:
        found = draft(message("love it"), PRAISE, Context(macro=LOVE), escalation(reason("legal_threat", "hard")))
        assert (found.action, found.macro) == ("handoff", None)
        assert not any(text in private(found) for text in LOVE.texts)

    def test_an_order_or_a_nearer_answer_goes_before_it(self) -> None:
        asking = understanding("information_seeking", "en", topic="returns")
        answer = passage("return-item", "en", score=0.97)
        assert draft(message("?"), asking, Context(macro=LOVE, passages=(answer,), answers=((answer,),))).macro is None
        about = understanding("information_seeking", "en", topic="delivery")
        assert draft(message("A-1001?"), about, Context(macro=LOVE, orders=(order(),))).macro is None

    def test_one_that_is_not_near_enough_is_left(self) -> None:
        assert draft(message("hm"), PRAISE, Context(macro=LOVE.model_copy(update={"score": 0.4}))).macro is None

    def test_the_handle_is_filled_in(self) -> None:
        told = LOVE.model_copy(update={"publics": ("Message {handle} or {email}!",)})
        found = draft(message("love it", channel="x"), PRAISE, Context(macro=told))
        assert found.public is not None
        assert found.public.text == "Message @tarntimber_help or help@tarnandtimber.example!"


class TestWordings:
    def test_each_is_used_and_the_same_message_gets_the_same(self) -> None:
        answer = passage("return-item", "en").model_copy(update={"wordings": ("Second wording here.", "Third wording here.")})
        asking = understanding("information_seeking", "en", topic="returns")
        context = Context(passages=(answer,), answers=((answer,),))
        texts = [private(draft(message(f"how do i return it {n}", channel="email"), asking, context)) for n in range(40)]
        for wording in (answer.text, *answer.wordings):
            assert 3 < sum(wording in text for text in texts) < 30
        assert texts[0] == private(draft(message("how do i return it 0", channel="email"), asking, context))

    def test_a_passage_of_20_000_characters_is_quoted_by_its_short_form(self) -> None:
        answer = passage("return-item", "en").model_copy(update={"text": "Word. " * 3_400, "short": "In short: 30 days."})
        asking = understanding("information_seeking", "en", topic="returns")
        found = draft(message("?", channel="email"), asking, Context(passages=(answer,), answers=((answer,),)))
        assert "In short: 30 days." in private(found)
        assert len(private(found)) < 300


class TestTrouble:
    CROSS = understanding("frustration", "en")

    def issue(self, plan: Plan, states: list[str], what: Understanding = CROSS, **said: Any) -> str | None:
        return issue_of(message("hm", **said), what, plan, states)

    @pytest.mark.parametrize(
        ("state", "named"),
        [("lost", "lost"), ("overdue", "late"), ("damaged", "damaged"), ("cancelled_by_us", "cancelled_by_us")],
    )
    def test_an_orders_own_trouble_is_named(self, state: str, named: str) -> None:
        assert self.issue(Plan("reply"), [state]) == named

    def test_what_answers_a_complaint_tells_what_went_wrong(self) -> None:
        answer = passage("late-parcel", "en", score=0.95, issue="late")
        assert self.issue(Plan("reply", passages=(answer,)), []) == "late"
        calm = understanding("information_seeking", "en")
        assert self.issue(Plan("reply", passages=(answer,)), [], calm) is None
        unsure = answer.model_copy(update={"score": 0.7})
        assert self.issue(Plan("reply", passages=(unsure,)), []) is None

    def test_never_against_what_the_order_says(self) -> None:
        answer = passage("late-parcel", "en", score=0.95, issue="late")
        assert self.issue(Plan("reply", passages=(answer,)), ["in_transit"]) is None

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_a_draft_names_it_in_every_language(self, language: str) -> None:
        lost = order(status="lost", due_at=None)
        text = private(draft(message("A-1001", channel="email"), understanding("frustration", language), Context(orders=(lost,))))
        assert any(variant in text for variant in DEMO.phrases[language].variants["empathy.issue.lost.moderate"])

    def test_no_regret_in_a_handoff_of_a_grave_matter(self) -> None:
        lost = order(status="lost", due_at=None)
        asking = understanding("information_seeking", "en", topic="delivery")
        found = draft(
            message("A-1001", channel="email"), asking, Context(orders=(lost,)), escalation(reason("legal_threat", "hard"))
        )
        every = [v for key, variants in DEMO.phrases["en"].variants.items() if key.startswith("empathy.") for v in variants]
        assert not [variant for variant in every if variant in private(found)]


class TestNeverAskedTwice:
    def photo_asked(self, **fields: Any) -> bool:
        broken = order(status="damaged", delivered_at="2026-11-16", late=False, **fields.pop("of", {}))
        said = message("A-1001 is broken", channel="email", **fields)
        text = private(draft(said, understanding("frustration", "en", topic="warranty"), Context(orders=(broken,))))
        return any(variant in text for variant in DEMO.phrases["en"].variants["next.damaged"])

    def test_a_photo_is_asked_for_once(self) -> None:
        assert self.photo_asked()
        assert not self.photo_asked(attachments=[Attachment(kind="image", url="https://x.example/1.jpg")])
        assert not self.photo_asked(of={"timeline": (OrderEvent(at="2026-11-18", event="photo_received"),)})

    def test_an_earlier_contact_about_the_same_is_referred_to(self) -> None:
        past = PastTriage(
            triage_id="K-1", at="2026-11-19T08:00:00Z", label="information_seeking", outcome="drafted", topic="delivery"
        )
        asking = understanding("information_seeking", "en", topic="delivery")
        context = Context(orders=(order(),), history=(past,))
        assert "19 November" in private(draft(message("A-1001?", channel="email"), asking, context))
        other = Context(orders=(order(),), history=(past.model_copy(update={"topic": "account"}),))
        assert "19 November" not in private(draft(message("A-1001?", channel="email"), asking, other))


class TestSuggested:
    MAT = Suggestion(id="product-drift-mat", title="Drift Mat, light sleeping mat", why="goes with Skarn 2")
    CARE = passage("tent-care", "en", topic="product")

    def told(self, what: Understanding, **changes: Any) -> Draft:
        context = Context(passages=(self.CARE,), answers=((self.CARE,),), suggestions=(self.MAT.model_copy(update=changes),))
        return draft(message("how do I clean the Skarn 2?", channel="instagram"), what, context)

    def test_only_to_a_happy_customer_who_asks_about_a_product(self) -> None:
        assert self.MAT.title in private(self.told(understanding("information_seeking", "en", topic="product")))
        for what in (
            understanding("frustration", "en", topic="product"),
            understanding("information_seeking", "en", topic="product", also=("frustration",)),
            understanding("information_seeking", "en", topic="delivery"),
        ):
            assert self.MAT.title not in private(self.told(what))

    def test_what_rests_on_a_purchase_stays_out_of_public(self) -> None:
        found = self.told(understanding("information_seeking", "en", topic="product"), personal=True)
        assert found.public is not None
        assert self.MAT.title not in found.public.text
        assert self.MAT.title in private(found)


class TestManner:
    def spoken(self, **voice: Any) -> Brand:
        voices = DEMO.voices | {"de": Voice(team="dein Team", **voice)}
        return DEMO.model_copy(update={"voices": voices, "phrases": brand_phrases(COMPOSE, None, voices)})

    def text(self, brand: Brand) -> str:
        found = draft(
            message("A-1001?", channel="email", author={"name": "Maya Feld"}), understanding("frustration"), brand=brand
        )
        return private(found)

    def test_the_form_of_address(self) -> None:
        for n in range(10):
            asked = message(f"meine bestellung {n}", channel="email")
            formal = private(draft(asked, understanding("frustration"), brand=self.spoken(address="formal")))
            assert not {"du", "dir", "dich", "dein", "deine"} & {
                w.strip(".,!?").lower() for w in formal.replace("dein Team", "").split()
            }

    def test_no_name(self) -> None:
        assert "Maya" in self.text(self.spoken())
        assert "Maya" not in self.text(self.spoken(names="none"))

    def test_an_own_signoff(self) -> None:
        assert self.text(self.spoken(signoff=("Bis bald,\n{team}",))).endswith("Bis bald,\ndein Team")

    def test_words_said_otherwise(self) -> None:
        plain, said = DEMO.phrases["de"], self.spoken(words={"Paket": "Päckchen"}).phrases["de"]
        assert any("Paket " in v for v in plain.variants["empathy.issue.late.moderate"])
        assert not any("Paket " in v for variants in said.variants.values() for v in variants)

    def test_no_emoji_without_leave(self) -> None:
        smiling = replace(DEMO.phrases["de"], variants=DEMO.phrases["de"].variants | {"praise.other": ("Danke!", "Danke 😊")})
        assert any("😊" in v for v in smiling.variants["praise.other"])
        assert not any("😊" in v for variants in self.spoken(emoji="none").phrases["de"].variants.values() for v in variants)


def test_an_sms_is_spelt_so_that_it_holds_more() -> None:
    text = "We’re sorry – it’s “late”…"
    assert spelt(text, "septets") == "We're sorry - it's \"late\"..."
    assert length(spelt(text, "septets"), "septets") < length(text, "septets") / 2
    assert spelt(text, "chars") == text
    found = draft(message("A-1001", channel="sms"), understanding("frustration", "en"), Context(orders=(order(),)))
    assert "’" not in private(found)
    assert len(sentences(private(found))) > 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_sms_leaves_out_pleasantries_before_the_date(language: str) -> None:
    for number in range(12):
        said = message("A-1001?", id=f"sms-{number}", channel="sms", author={"customer_id": "C-1042", "name": "Lena Vogt"})
        found = draft(said, understanding("frustration", language), Context(orders=(order(),)))
        assert "24" in private(found), private(found)
