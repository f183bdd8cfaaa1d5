"""What a message may hold, and how it is made readable before anything else sees it."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.messages import (
    LABELS,
    MAX_FIELD,
    MAX_TEXT,
    MAX_TURNS,
    PRIVATE_CHANNELS,
    Attachment,
    Author,
    Channel,
    Feedback,
    Label,
    Message,
    Options,
    Turn,
    Understanding,
    clean,
)


def problem(**fields: Any) -> tuple[tuple[int | str, ...], str]:
    """Where a message with these fields is refused, and the type of the error."""
    with pytest.raises(ValidationError) as caught:
        Message.model_validate({"text": "Hi"} | fields)
    errors = caught.value.errors()
    assert len(errors) == 1
    return errors[0]["loc"], errors[0]["type"]


def accepted(moment: str) -> Message | None:
    """The message received at this moment, or None where that is refused."""
    try:
        return Message.model_validate({"text": "Hi", "received_at": moment})
    except ValidationError:
        return None


class TestCleaning:
    @pytest.mark.parametrize(
        ("given_text", "expected"),
        [
            ("Wo ist\x00 mein Paket?", "Wo ist mein Paket?"),
            ("a\x01b\x08c\x0bd\x0ce\x1ff\x7fg\x85h\x9fi", "abcdefghi"),
            ("\ufeffHallo", "Hallo"),
            ("line\nbreak and\ttab stay", "line\nbreak and\ttab stay"),
            ("one\r\ntwo\rthree", "one\ntwo\nthree"),
            ("broken \ud83d emoji", "broken \ufffd emoji"),
            ("\udc00\ud800", "\ufffd\ufffd"),
            ("cafe\u0301", "caf\u00e9"),
            ("A\u030angstro\u0308m", "\u00c5ngstr\u00f6m"),
            ("\u200fأين طلبي؟\u200e", "\u200fأين طلبي؟\u200e"),
            ("\u202bאיפה ההזמנה שלי\u202c", "\u202bאיפה ההזמנה שלי\u202c"),
            ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
            ("می\u200cخواهم", "می\u200cخواهم"),
            ("", ""),
        ],
    )
    def test_text_is_made_readable(self, given_text: str, expected: str) -> None:
        assert clean(given_text) == expected
        assert Message(text="x" + given_text).text == "x" + expected

    @given(st.text(alphabet=st.characters(codec=None)))
    def test_clean_text_can_be_stored_and_stays_as_it_is(self, text: str) -> None:
        cleaned = clean(text)
        cleaned.encode("utf-8")
        assert "\x00" not in cleaned
        assert "\r" not in cleaned
        assert unicodedata.is_normalized("NFC", cleaned)
        assert clean(cleaned) == cleaned

    def test_every_text_of_a_message_is_cleaned_names_of_metadata_included(self) -> None:
        message = Message.model_validate(
            {
                "text": "a\x00",
                "author": {"name": "Le\x00na", "handle": "@le\ud800na"},
                "thread": [{"role": "customer", "text": "fru\x07h"}],
                "attachments": [{"kind": "audio", "transcript": "cafe\u0301"}],
                "metadata": {"ti\x00cket": "T-\x009"},
            }
        )
        assert message.text == "a"
        assert message.author == Author(name="Lena", handle="@le\ufffdna")
        assert message.thread[0].text == "fruh"
        assert message.attachments[0].transcript == "café"
        assert message.metadata == {"ticket": "T-9"}

    def test_feedback_is_cleaned_too(self) -> None:
        assert Feedback.model_validate({"action": "edited", "text": "fine\x00"}).text == "fine"


class TestLimits:
    def test_text_at_the_limit_is_taken_whole_and_one_more_is_refused(self) -> None:
        assert len(Message(text="a" * MAX_TEXT).text) == 10_000
        assert problem(text="a" * (MAX_TEXT + 1)) == (("text",), "string_too_long")

    def test_the_limit_counts_the_cleaned_text(self) -> None:
        assert len(Message(text="a" * MAX_TEXT + "\x00" * 500).text) == MAX_TEXT

    @pytest.mark.parametrize(
        "fields",
        [
            {"id": "i" * (MAX_FIELD + 1)},
            {"brand": "b" * (MAX_FIELD + 1)},
            {"conversation_id": "c" * (MAX_FIELD + 1)},
            {"language": "l" * 21},
        ],
        ids=lambda fields: next(iter(fields)),
    )
    def test_a_long_field_is_refused_by_name(self, fields: dict[str, str]) -> None:
        assert problem(**fields) == ((next(iter(fields)),), "string_too_long")

    def test_fields_inside_are_refused_with_their_path(self) -> None:
        turn = {"role": "customer", "text": "hm"}
        assert problem(author={"name": "n" * 501}) == (("author", "name"), "string_too_long")
        assert problem(thread=[turn, {"role": "customer", "text": "x" * 10_001}]) == (("thread", 1, "text"), "string_too_long")
        assert problem(thread=[turn] * (MAX_TURNS + 1)) == (("thread",), "too_long")
        assert problem(attachments=[{"kind": "image"}] * 21) == (("attachments",), "too_long")
        assert problem(metadata={f"k{i}": "v" for i in range(101)}) == (("metadata",), "too_long")
        assert problem(metadata={"k": "v" * 4_001}) == (("metadata", "k"), "string_too_long")
        assert problem(author={"followers": -1}) == (("author", "followers"), "greater_than_equal")
        assert problem(options={"alternatives": 4}) == (("options", "alternatives"), "less_than_equal")

    def test_the_most_that_is_allowed_is_accepted(self) -> None:
        message = Message(
            text="Hi",
            id="i" * MAX_FIELD,
            thread=(Turn(role="customer", text="hm"),) * MAX_TURNS,
            attachments=(Attachment(kind="image"),) * 20,
            metadata={f"k{i}": "v" * 4_000 for i in range(100)},
            options=Options(alternatives=3),
        )
        assert len(message.thread) == 100


class TestUnknownAndWrong:
    @pytest.mark.parametrize(
        ("fields", "where"),
        [
            ({"txt": "Hi"}, ("txt",)),
            ({"author": {"handel": "@lena"}}, ("author", "handel")),
            ({"thread": [{"role": "customer", "text": "a", "when": 1}]}, ("thread", 0, "when")),
            ({"attachments": [{"kind": "image", "size": 3}]}, ("attachments", 0, "size")),
            ({"options": {"tones": "warm"}}, ("options", "tones")),
        ],
        ids=["message", "author", "turn", "attachment", "options"],
    )
    def test_an_unknown_field_is_refused_where_it_stands(self, fields: dict[str, Any], where: tuple[int | str, ...]) -> None:
        assert problem(**fields) == (where, "extra_forbidden")

    @pytest.mark.parametrize("channel", ["myspace", "Instagram", "", 7, ["x"]])
    def test_an_unknown_channel_is_refused(self, channel: object) -> None:
        assert problem(channel=channel)[0] == ("channel",)

    @pytest.mark.parametrize("text", [None, 7, ["Hi"], {"de": "Hi"}, True])
    def test_a_text_that_is_none_is_refused(self, text: object) -> None:
        assert problem(text=text) == (("text",), "string_type")

    @pytest.mark.parametrize("body", [None, [], "Hi", 3, [{"text": "Hi"}]])
    def test_a_body_that_is_no_object_is_refused(self, body: object) -> None:
        with pytest.raises(ValidationError):
            Message.model_validate(body)

    def test_text_is_the_only_required_field(self) -> None:
        with pytest.raises(ValidationError) as caught:
            Message.model_validate({})
        assert [(e["loc"], e["type"]) for e in caught.value.errors()] == [(("text",), "missing")]

    def test_null_means_left_out(self) -> None:
        optional = [name for name in Message.model_fields if name not in ("text", "received_at")]
        assert Message.model_validate({"text": "Hi", **dict.fromkeys(optional)}).model_dump(exclude={"received_at"}) == Message(
            text="Hi"
        ).model_dump(exclude={"received_at"})


class TestVisibility:
    @pytest.mark.parametrize("channel", get_args(Channel))
    def test_defaults_from_the_channel_and_to_public_where_that_is_unsure(self, channel: Channel) -> None:
        private = channel in {"messenger", "whatsapp", "telegram", "line", "sms", "webchat", "email"}
        message = Message(text="Hi", channel=channel)
        assert message.visibility == ("private" if private else "public")
        assert message.public is not private

    def test_what_the_caller_says_wins(self) -> None:
        assert Message(text="Hi", channel="instagram", visibility="private").public is False
        assert Message(text="Hi", channel="email", visibility="public").public is True

    def test_without_a_channel_a_message_is_public(self) -> None:
        assert Message(text="Hi").visibility == "public"

    def test_every_private_channel_is_a_channel(self) -> None:
        assert set(get_args(Channel)) > PRIVATE_CHANNELS


class TestReceivedAt:
    @pytest.mark.parametrize("year", [1, 1999, 2101, 9999])
    def test_years_out_of_range_are_refused(self, year: int) -> None:
        assert problem(received_at=f"{year:04}-06-01T12:00:00Z") == (("received_at",), "value_error")

    @pytest.mark.parametrize("year", [2000, 2100])
    def test_the_first_and_last_year_are_accepted(self, year: int) -> None:
        assert Message(text="Hi", received_at=datetime(year, 6, 1, tzinfo=UTC)).received_at.year == year

    @pytest.mark.parametrize("moment", ["2000-01-01T00:30:00+14:00", "2100-12-31T23:30:00-12:00", "9999-12-31T23:59:59-12:00"])
    def test_an_accepted_moment_at_the_edge_stays_acceptable(self, moment: str) -> None:
        message = accepted(moment)
        if message is not None:
            assert accepted(message.received_at.isoformat()) == message

    def test_times_become_utc_and_bare_ones_are_read_as_utc(self) -> None:
        east = datetime(2026, 11, 22, 10, 0, tzinfo=timezone(timedelta(hours=1)))
        nine = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
        assert Message(text="Hi", received_at=east).received_at == nine
        assert Message(text="Hi", received_at=east).received_at.utcoffset() == timedelta(0)
        assert Message.model_validate({"text": "Hi", "received_at": "2026-11-22T09:00:00"}).received_at == nine

    def test_defaults_to_now(self) -> None:
        before = datetime.now(UTC)
        assert before <= Message(text="Hi").received_at <= datetime.now(UTC)

    def test_turns_have_the_same_range(self) -> None:
        turn = {"role": "customer", "text": "a", "at": "1970-01-01T00:00:00Z"}
        assert problem(thread=[turn]) == (("thread", 0, "at"), "value_error")


class TestEmptyText:
    @pytest.mark.parametrize("text", ["", " ", "\n\t ", "\x00\x00", "\ufeff"])
    def test_alone_is_refused_and_says_what_to_send(self, text: str) -> None:
        with pytest.raises(ValidationError) as caught:
            Message(text=text)
        assert caught.value.errors()[0]["msg"] == "Value error, text is empty: send the message's text, or an attachment"

    def test_beside_an_attachment_it_is_accepted(self) -> None:
        message = Message(text="", attachments=(Attachment(kind="image", url="https://cdn.example/a.jpg"),))
        assert message.content == ""

    def test_transcripts_are_then_what_the_customer_said(self) -> None:
        message = Message(
            text="  ",
            attachments=(
                Attachment(kind="audio", transcript="Where is my tent?"),
                Attachment(kind="image"),
                Attachment(kind="audio", transcript="It is late."),
            ),
        )
        assert message.content == "Where is my tent?\nIt is late."

    def test_text_goes_before_transcripts(self) -> None:
        message = Message(text="See the note", attachments=(Attachment(kind="audio", transcript="spoken"),))
        assert message.content == "See the note"

    def test_only_emoji_is_a_text(self) -> None:
        assert Message(text="😡😡😡").content == "😡😡😡"


class TestFeedback:
    @pytest.mark.parametrize("text", [None, "", "  ", "\x00"])
    def test_edited_needs_the_text_as_sent(self, text: str | None) -> None:
        with pytest.raises(ValidationError, match="an edited draft comes with the text as sent"):
            Feedback(action="edited", text=text)

    def test_accepted_and_rejected_need_no_text(self) -> None:
        assert Feedback(action="accepted").text is None
        assert Feedback(action="rejected", reason="wrong order").reason == "wrong order"

    def test_an_unknown_action_is_refused(self) -> None:
        with pytest.raises(ValidationError):
            Feedback.model_validate({"action": "sent"})


def test_a_message_can_not_be_changed() -> None:
    message = Message(text="Hi")
    with pytest.raises(ValidationError, match="frozen"):
        message.text = "Bye"  # type: ignore[misc]


def test_a_message_survives_its_own_json() -> None:
    message = Message.model_validate(
        {
            "text": "Wo ist mein Paket?",
            "channel": "instagram",
            "author": {"handle": "@lena", "customer_id": "C-1042", "followers": 120},
            "thread": [{"role": "customer", "text": "Hallo?", "at": "2026-11-20T10:00:00Z"}],
            "metadata": {"ticket": "T-9"},
        }
    )
    assert Message.model_validate_json(message.model_dump_json()) == message


@pytest.mark.parametrize("label", LABELS)
def test_an_understanding_has_its_main_label_and_the_others(label: Label) -> None:
    understanding = Understanding.model_validate(
        {
            "label": "frustration",
            "scores": dict.fromkeys(LABELS, 0.5),
            "also": ["information_seeking"],
            "frustration_level": "mild",
            "trajectory": "steady",
            "topic": {"label": "delivery", "score": 0.5},
            "urgency": "normal",
            "addressed": {"label": "direct", "score": 1},
            "language": {"code": "de", "score": 1, "supported": True},
            "confidence": 0.5,
        }
    )
    assert understanding.has(label) is (label in ("frustration", "information_seeking"))
