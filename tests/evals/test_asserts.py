"""What each assert and expectation holds for, and which of them can't be judged and are refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import NOW, escalation, message, order, passage, reason, understanding
from pydantic import ValidationError

from evals.asserts import DISTANCE, SIMILAR, DraftAssert, cited, judge
from evals.cases import Case
from evals.judge import verdicts
from evals.suites import SuiteCase
from service.messages import Check, Citation, Context, Draft, DraftText, Triage, Versions
from service.parts import Parts

PUBLIC = "Das tut uns leid! Wir haben dir eine private Nachricht geschickt."
PRIVATE = "Hallo Lena, dein Zelt Skarn 2 kommt am 24.\u00a0November. Es kostet 219,00\u202f€."
VERSIONS = Versions(service="1", embedder="e", classifier="c", knowledge="k", policy="p")


def text(words: str) -> DraftText:
    return DraftText(text=words, length=len(words), limit=None, unit="chars")


def triage(public: str | None = PUBLIC, private: str | None = PRIVATE, **fields: Any) -> Triage:
    draft = Draft(
        action="reply", engine="composer", language="de", public=text(public) if public is not None else None,
        private=text(private) if private is not None else None, citations=fields.pop("citations", ()),
        order_fields=fields.pop("order_fields", ()), checks=fields.pop("checks", ()),
    )  # fmt: skip
    given = {
        "id": "tri_1", "brand": "demo", "received_at": NOW, "understanding": understanding(), "context": Context(),
        "draft": draft, "escalation": escalation(), "versions": VERSIONS, "timings_ms": {},
    }  # fmt: skip
    return Triage.model_validate(given | fields)


def alike(one: str, other: str) -> float:
    """Stands in for an embedder where no assert asks for likeness."""
    raise AssertionError(f"nothing asked how alike {one!r} and {other!r} are")


def holds(made: Triage, type: str, value: Any = None, **more: Any) -> bool:
    return judge(DraftAssert.model_validate({"type": type, "value": value} | more), made, message(), alike)[0]


class TestWords:
    @pytest.mark.parametrize(
        ("type", "value", "expected"),
        [
            ("contains", "24. November", True),
            ("contains", "24. november", False),
            ("contains", "leid", True),
            ("contains", "25. November", False),
            ("icontains", "24. NOVEMBER", True),
            ("icontains", "dezember", False),
            ("contains-any", ["25. November", "24. November"], True),
            ("contains-any", ["25. November", "26. November"], False),
            ("contains-all", ["Lena", "Zelt", "219,00 €"], True),
            ("contains-all", ["Lena", "Zelt", "220"], False),
            ("contains-all", ["Lena", "leid"], False),
            ("icontains-any", ["LENA", "tom"], True),
            ("icontains-all", ["LENA", "zelt"], True),
            ("icontains-all", ["LENA", "tom"], False),
            ("starts-with", "Hallo", True),
            ("starts-with", "Lena", False),
            ("equals", f" {PUBLIC}\n", True),
            ("equals", PUBLIC[:-1], False),
            ("regex", r"\b2\d\. (November|Dezember)\b", True),
            ("regex", r"^dein", False),
            ("regex", r"(?i)LENA", True),
        ],
    )
    def test_hold_for_one_of_the_texts_and_not_turns_them_round(self, type: str, value: Any, expected: bool) -> None:
        assert holds(triage(), type, value) is expected
        assert holds(triage(), f"not-{type}", value) is not expected

    @pytest.mark.parametrize("value", ["24. November", "24.\u00a0November", "24.\u202fNovember"])
    def test_take_a_space_that_does_not_break_for_a_space(self, value: str) -> None:
        assert holds(triage(), "contains", value)

    def test_take_an_accent_apart_from_its_letter_for_the_letter_with_it(self) -> None:
        assert holds(triage(private="Voilà, c'est réglé."), "contains", "re\u0301gle\u0301")

    def test_are_looked_for_in_the_text_that_in_names(self) -> None:
        assert holds(triage(), "contains", "Lena", **{"in": "private"})
        assert not holds(triage(), "contains", "Lena", **{"in": "public"})
        assert holds(triage(), "not-contains", "Lena", **{"in": "public"})
        assert not holds(triage(), "not-contains", "Lena", **{"in": "private"})
        assert not holds(triage(), "not-contains", "Lena")

    def test_do_not_hold_where_there_is_no_text(self) -> None:
        for made in (triage(public=None, private=None), triage(draft=None), triage(public="", private="")):
            assert not holds(made, "contains", "a")
            assert holds(made, "not-contains", "a")
            assert judge(DraftAssert(type="contains", value="a"), made, message(), alike)[1] == "there is no text"

    def test_say_which_text_fails(self) -> None:
        found = judge(DraftAssert(type="not-contains", value="Lena"), triage(), message(), alike)
        assert found == (False, PRIVATE)

    def test_have_promptfoo_s_names_however_they_are_written(self) -> None:
        written = {"not_contains": "not-contains", "Contains-Any": "contains-any", "similar_to": "similar", " regex ": "regex"}
        made = [DraftAssert.model_validate({"type": name, "value": ["x"] if "ny" in name else "x"}).type for name in written]
        assert made == list(written.values())


class TestMeasures:
    def test_max_length_holds_for_every_text_as_the_channel_counts_it(self) -> None:
        short = DraftText(text="👋🏽 Hallo", length=7, limit=280, unit="weighted")
        made = triage()
        assert made.draft is not None
        made = triage(draft=made.draft.model_copy(update={"public": short}))
        assert holds(made, "max-length", 7, **{"in": "public"})
        assert not holds(made, "max-length", 6, **{"in": "public"})
        assert not holds(made, "max-length", 7)
        assert holds(made, "max-length", len(PRIVATE))

    def test_not_max_length_holds_where_every_text_is_longer(self) -> None:
        assert holds(triage(), "not-max-length", 20)
        assert not holds(triage(public="Kurz."), "not-max-length", 20)

    def test_language_holds_where_every_text_is_in_it(self) -> None:
        assert holds(triage(), "language", "de")
        assert not holds(triage(), "language", "nl")
        assert not holds(triage(public="We are sorry about that, we have sent you a message."), "language", "de")
        assert holds(triage(public="We are sorry about that, we have sent you a message."), "language", "de", **{"in": "private"})

    def test_language_of_a_text_of_three_words_is_not_judged(self) -> None:
        assert holds(triage(public="Thank you, Lena!"), "language", "de")

    def test_levenshtein_counts_characters(self) -> None:
        said = PUBLIC.replace("private", "direkte")
        apart = sum(a != b for a, b in zip("private", "direkte", strict=True))
        assert holds(triage(private=None), "levenshtein", said, threshold=apart)
        assert not holds(triage(private=None), "levenshtein", said, threshold=apart - 1)
        assert holds(triage(private=None), "levenshtein", PUBLIC[DISTANCE:])
        assert not holds(triage(private=None), "levenshtein", PUBLIC[DISTANCE + 1 :])
        assert holds(triage(public=None), "levenshtein", PRIVATE.replace("\u00a0", " "), threshold=0)

    def test_similar_compares_the_cosine_with_the_threshold(self) -> None:
        def at(cosine: float) -> Any:
            return lambda one, other: cosine if (one, other) == (PUBLIC, "wie schade") else 0.0

        for threshold, least in ((None, SIMILAR), (0.3, 0.3)):
            wanted = DraftAssert(type="similar", value="wie schade", threshold=threshold)
            assert judge(wanted, triage(), message(), at(least))[0]
            assert not judge(wanted, triage(), message(), at(math.nextafter(least, 0)))[0]

    def test_cites_holds_for_a_passage_by_its_entry_and_for_a_field_of_an_order(self) -> None:
        sources = ("faq-return-item-de", "offer-offer-autumn-de", "macro-first-snow-sv", "kb-17")
        made = triage(citations=tuple(Citation(source=source, quote="…") for source in sources), order_fields=("A-1001.due_at",))
        assert cited(made.draft) == {*sources, "A-1001.due_at"}
        for entry in ("return-item", "faq-return-item-de", "offer-autumn", "first-snow", "kb-17", "A-1001.due_at"):
            assert holds(made, "cites", entry), entry
            assert not holds(made, "not-cites", entry), entry
        for entry in ("return", "item", "A-1001", "due_at", "kb-1", "return-item-de", "kb.17"):
            assert not holds(made, "cites", entry), entry
        assert not holds(triage(draft=None), "cites", "return-item")

    def test_no_pii_holds_where_the_public_text_has_none(self) -> None:
        bad = Check(check="no_personal_data_in_public", passed=False, detail="name, email")
        good = Check(check="no_personal_data_in_public", passed=True)
        assert holds(triage(checks=(good, Check(check="language", passed=False, detail="x"))), "no-pii")
        assert judge(DraftAssert(type="no-pii"), triage(checks=(bad,)), message(), alike) == (False, "name, email")
        assert holds(triage(checks=(bad,)), "not-no-pii")


class TestAnAssertThatCannotBeJudged:
    @pytest.mark.parametrize(
        ("said", "wrong"),
        [
            ({"type": "contians", "value": "x"}, "unknown assert 'contians'; did you mean 'contains'?"),
            ({"type": "not-contians", "value": "x"}, "unknown assert 'not-contians'; did you mean 'contains'?"),
            ({"type": "zzz", "value": "x"}, "unknown assert 'zzz'; there are: contains, icontains"),
            ({"type": "contains"}, "contains takes a text as its value"),
            ({"type": "contains", "value": " "}, "contains takes a text as its value"),
            ({"type": "not-contains", "value": 219}, "not-contains takes a text as its value, in quotes"),
            ({"type": "contains", "value": 219.0}, "contains takes a text as its value, in quotes"),
            ({"type": "contains", "value": False}, "it needs quotes around it"),
            ({"type": "contains", "value": NOW.date()}, "it needs quotes around it"),
            ({"type": "contains-any", "value": ["24", 24]}, "it needs quotes around it"),
            ({"type": "contains-any", "value": "x"}, "contains-any takes a list of texts as its value"),
            ({"type": "contains-all", "value": []}, "contains-all takes a list of texts as its value"),
            ({"type": "contains-any", "value": ["x", ""]}, "contains-any takes a list of texts as its value"),
            ({"type": "contains", "value": ["x"]}, "contains takes a text as its value"),
            ({"type": "max-length", "value": "280"}, "max-length takes a number above 0 as its value"),
            ({"type": "max-length", "value": 0}, "max-length takes a number above 0 as its value"),
            ({"type": "max-length", "value": math.nan}, "max-length takes a number above 0 as its value"),
            ({"type": "max-length", "value": math.inf}, "max-length takes a number above 0 as its value"),
            ({"type": "language", "value": "German"}, "language takes an ISO 639-1 code such as de"),
            ({"type": "regex", "value": "(a"}, "regex '(a' is not valid: missing ), unterminated subpattern"),
            ({"type": "similar", "value": "x", "threshold": 80}, "the threshold of similar is a cosine"),
            ({"type": "levenshtein", "value": "x", "threshold": -1}, "the threshold of levenshtein is a number of characters"),
            ({"type": "contains", "value": "x", "threshold": 0.8}, "contains takes no threshold"),
            ({"type": "no-pii", "value": "x"}, "no-pii takes no value"),
            ({"type": "no-pii", "in": "private"}, "no-pii judges the public text"),
            ({"type": "contains", "value": "x", "in": "pubic"}, "Input should be 'public' or 'private'"),
        ],
    )
    def test_is_refused_with_what_it_takes(self, said: dict[str, Any], wrong: str) -> None:
        with pytest.raises(ValidationError) as raised:
            DraftAssert.model_validate(said)
        assert any(wrong in error["msg"] for error in raised.value.errors()), raised.value.errors()
        assert not any(error["msg"].startswith("Value error") for error in raised.value.errors())


async def judged(made: Triage, expected: dict[str, Any] | None = None, **fields: Any) -> dict[str, tuple[bool, str]]:
    async def embed(texts: Sequence[str]) -> Any:
        return np.array([[1.0, 0.0] if "tut uns leid" in one or one == "wie schade" else [0.0, 1.0] for one in texts])

    case = Case.model_validate({"name": "a", "inputs": {"text": "Hallo"}, "expected_output": expected or {}} | fields)
    found = await verdicts(made, SuiteCase("mine", Path("mine.yaml"), case, message("Hallo")), embed)
    assert len({name for name, _, _ in found}) == len(found)
    return {name: (good, why) for name, good, why in found if name != "checks"}


class TestExpectations:
    @pytest.fixture(scope="class")
    @classmethod
    def made(cls) -> Triage:
        seen = understanding("frustration", also=("information_seeking",), urgency="high")
        found = Context(passages=(passage("return-item"),), orders=(order(),))
        told = escalation(reason("churn_risk"), reason("repeat_contact"), queue="retention", priority="high")
        return triage(understanding=seen, context=found, escalation=told)

    @pytest.mark.parametrize(
        ("expected", "name", "good"),
        [
            ({"label": "frustration"}, "label", True),
            ({"label": ["praise", "frustration"]}, "label", True),
            ({"label": "information_seeking"}, "label", False),
            ({"also": "information_seeking"}, "also:information_seeking", True),
            ({"also": ["praise"]}, "also:praise", False),
            ({"level": "moderate"}, "level", True),
            ({"level": ["none", "mild"]}, "level", False),
            ({"trajectory": "steady"}, "trajectory", True),
            ({"trajectory": "rising"}, "trajectory", False),
            ({"topic": ["delivery", "order"]}, "topic", True),
            ({"topic": "refund"}, "topic", False),
            ({"urgency": "high"}, "urgency", True),
            ({"urgency": "low"}, "urgency", False),
            ({"language": "de"}, "language", True),
            ({"language": "nl"}, "language", False),
            ({"addressed": "direct"}, "addressed", True),
            ({"addressed": "spam"}, "addressed", False),
            ({"escalate": True}, "escalate", True),
            ({"escalate": False}, "escalate", False),
            ({"reasons": "churn_risk"}, "reason:churn_risk", True),
            ({"reasons": "legal_threat"}, "reason:legal_threat", False),
            ({"not_reasons": "legal_threat"}, "not_reason:legal_threat", True),
            ({"not_reasons": "churn_risk"}, "not_reason:churn_risk", False),
            ({"queue": "retention"}, "queue", True),
            ({"queue": "general"}, "queue", False),
            ({"priority": ["high", "critical"]}, "priority", True),
            ({"priority": "low"}, "priority", False),
            ({"passages": "return-item"}, "passage:return-item", True),
            ({"passages": "faq-return-item-de"}, "passage:faq-return-item-de", True),
            ({"passages": "return"}, "passage:return", False),
            ({"order": "A-1001"}, "order", True),
            ({"order": "A-1002"}, "order", False),
            ({"order": None}, "order", False),
            ({"action": "reply"}, "action", True),
            ({"action": ["ask", "none"]}, "action", False),
        ],
    )
    async def test_hold_where_the_triage_has_an_acceptable_value(
        self, made: Triage, expected: dict[str, Any], name: str, good: bool
    ) -> None:
        found = await judged(made, expected)
        assert {key: verdict[0] for key, verdict in found.items()} == {name: good}

    async def test_that_are_left_out_are_not_judged(self, made: Triage) -> None:
        assert await judged(made) == {}

    async def test_order_null_holds_where_no_order_is_shown(self) -> None:
        assert await judged(triage(), {"order": None}) == {"order": (True, "None, expected None")}

    async def test_no_passages_holds_where_the_draft_quotes_none(self, made: Triage) -> None:
        assert await judged(made, {"passages": []}) == {"no_passage": (True, "no passage is quoted")}
        quoting = (Citation(source="faq-return-item-de", quote="30"), Citation(source="other", quote="x"))
        quotes = triage(context=made.context, citations=quoting)
        assert await judged(quotes, {"passages": []}) == {"no_passage": (False, "the draft quotes ['faq-return-item-de']")}

    async def test_of_an_action_do_not_hold_without_a_draft(self) -> None:
        assert await judged(triage(draft=None), {"action": "reply"}) == {"action": (False, "None, expected reply")}

    async def test_say_why_they_do_not_hold(self, made: Triage) -> None:
        found = await judged(made, {"label": ["praise", "other"], "escalate": False, "reasons": "legal_threat"})
        codes = "['churn_risk', 'repeat_contact']"
        assert found == {
            "label": (False, "frustration, expected praise or other"),
            "escalate": (False, f"True for {codes}, expected False"),
            "reason:legal_threat": (False, f"reasons are {codes}"),
        }

    async def test_asserts_say_what_was_wanted_and_where(self, made: Triage) -> None:
        asserts = [{"type": "contains", "value": "Lena", "in": "public"}, {"type": "similar", "value": "wie schade"}]
        found = await judged(made, asserts=asserts)
        assert found["assert:contains"] == (False, f"contains 'Lena' in the public text: {PUBLIC}")
        assert found["assert:similar"][0]

    async def test_checks_of_the_draft_are_judged_in_every_case(self) -> None:
        bad = (Check(check="length", passed=False, detail="too long"), Check(check="language", passed=True))
        case = Case.model_validate({"name": "a", "inputs": {"text": "Hallo"}})

        async def embed(texts: Sequence[str]) -> Any:
            raise AssertionError(texts)

        one = SuiteCase("mine", Path("mine.yaml"), case, message("Hallo"))
        assert await verdicts(triage(checks=bad), one, embed) == [("checks", False, "failed ['length: too long']")]
        assert await verdicts(triage(checks=bad[1:]), one, embed) == [("checks", True, "all passed")]
        assert await verdicts(triage(draft=None), one, embed) == []


async def test_likeness_by_the_embedder_in_use_tells_another_wording_from_another_answer(parts: Parts) -> None:
    async def embed(texts: Sequence[str]) -> Any:
        return parts.heads.centred_passages(await parts.embedding.passages(texts))

    said = "You can send anything back within 30 days, and we pay for the return label."
    made = triage(public=None, private=said)
    asserts = [
        {"type": "similar", "value": "You have 30 days to return something; the return label is on us."},
        {"type": "not-similar", "value": "Your parcel arrives on Tuesday."},
    ]
    case = Case.model_validate({"name": "a", "inputs": {"text": "Hello"}, "asserts": asserts})
    found = await verdicts(made, SuiteCase("mine", Path("mine.yaml"), case, message("Hello")), embed)
    assert [name for name, good, _ in found if good] == ["assert:similar", "assert:not-similar", "checks"]
