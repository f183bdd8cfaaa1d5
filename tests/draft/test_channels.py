"""How long a text is, as each channel counts it; every figure here is counted by hand."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.draft.channels import Limit, fits, length, measured, rules_of
from service.messages import Channel, Unit

FAMILY = "👩‍👩‍👧"  # five code points, three of them outside the basic plane
FLAG = "🇸🇪"


class TestWeighted:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", 0),
            ("Hallo", 5),
            ("Grüße, ça va – “ok”…", 21),
            ("cafe\u0301", 4),
            ("😡", 2),
            ("😡😡😡", 6),
            (FAMILY, 2),
            (FLAG, 2),
            ("👍🏽", 2),
            ("❤️", 2),
            ("こんにちは", 10),
            ("안녕", 4),
            ("Привет", 6),
            ("مرحبا", 5),
            ("https://help.tarnandtimber.example/de/versand?a=1&b=2", 23),
            ("http://a.example", 23),
            ("see https://a.example/x", 27),
            ("https://a.example https://b.example", 47),
            ("€", 2),
            ("…", 2),
            ("–", 1),
        ],
    )
    def test_as_x_counts(self, text: str, expected: int) -> None:
        assert length(text, "weighted") == expected

    def test_the_longest_post_is_280_letters_or_140_kana(self) -> None:
        public = rules_of("x").public
        assert fits("a" * 280, public)
        assert not fits("a" * 281, public)
        assert fits("あ" * 140, public)
        assert not fits("あ" * 141, public)

    def test_a_link_in_brackets_or_before_a_full_stop_is_a_link(self) -> None:
        assert length("(https://a.example/x)", "weighted") == 25
        assert length("See https://a.example/x.", "weighted") == 28


class TestOtherUnits:
    @pytest.mark.parametrize(
        ("text", "chars", "octets", "utf16"),
        [
            ("", 0, 0, 0),
            ("Hallo", 5, 5, 5),
            ("Grüße", 5, 7, 5),
            ("219,00\u00a0€", 8, 11, 8),
            ("😡", 1, 4, 2),
            (FAMILY, 5, 18, 8),
            (FLAG, 2, 8, 4),
            ("こんにちは", 5, 15, 5),
            ("’", 1, 3, 1),
            ("a\n\nb", 4, 4, 4),
        ],
    )
    def test_code_points_bytes_and_utf16_units(self, text: str, chars: int, octets: int, utf16: int) -> None:
        assert (length(text, "chars"), length(text, "bytes"), length(text, "utf16")) == (chars, octets, utf16)


class TestSeptets:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", 0),
            ("Hallo", 5),
            ("Grüße aus Köln", 14),
            ("à é ñ Ä ß ¿ Å ø", 15),
            ("a\nb", 3),
            ("5 €", 4),
            ("[x] {y} ~ ^ | \\", 23),
            ("~" * 10, 20),
        ],
    )
    def test_plain_letters_count_once_and_extended_signs_twice(self, text: str, expected: int) -> None:
        assert length(text, "septets") == expected

    def test_two_parts_hold_306_septets(self) -> None:
        limit = rules_of("sms").private
        assert limit == Limit(limit=306, unit="septets")
        assert fits("a" * 306, limit)
        assert not fits("a" * 307, limit)
        assert fits("€" * 153, limit)
        assert not fits("€" * 154, limit)

    @pytest.mark.parametrize("odd", ["’", "ê", "ç", "–", "ą", "あ"])
    def test_one_sign_outside_the_alphabet_leaves_134_units(self, odd: str) -> None:
        limit = rules_of("sms").private
        assert fits(odd + "a" * 133, limit)
        assert not fits(odd + "a" * 134, limit)

    def test_an_emoji_takes_two_of_the_134_units(self) -> None:
        limit = rules_of("sms").private
        assert fits("😡" * 67, limit)
        assert not fits("😡" * 67 + "a", limit)


class TestRules:
    @pytest.mark.parametrize("channel", get_args(Channel))
    def test_every_channel_has_them(self, channel: Channel) -> None:
        rules = rules_of(channel)
        assert 100 <= rules.public.limit <= rules.private.limit * 10
        assert rules.public.unit in get_args(Unit)

    @pytest.mark.parametrize(
        ("channel", "side", "limit", "unit"),
        [
            ("x", "public", 280, "weighted"),
            ("instagram", "public", 2200, "chars"),
            ("instagram", "private", 1000, "bytes"),
            ("tiktok", "public", 150, "chars"),
            ("sms", "private", 306, "septets"),
            ("google_review", "public", 4096, "bytes"),
            ("google_play", "public", 350, "chars"),
            ("telegram", "private", 4096, "utf16"),
        ],
    )
    def test_are_those_of_the_platforms(self, channel: Channel, side: str, limit: int, unit: Unit) -> None:
        assert getattr(rules_of(channel), side) == Limit(limit=limit, unit=unit)

    def test_review_sites_and_youtube_have_no_direct_messages(self) -> None:
        without = {channel for channel in get_args(Channel) if not rules_of(channel).direct_messages}
        assert without == {"youtube", "google_review", "google_play", "app_store", "trustpilot", "review"}


@given(st.text(max_size=300), st.sampled_from(get_args(Unit)))
def test_a_measured_text_tells_its_length_and_fits_exactly_up_to_its_limit(text: str, unit: Unit) -> None:
    found = measured(text, Limit(limit=50, unit=unit))
    assert (found.text, found.limit, found.unit) == (text, 50, unit)
    assert found.length == length(text, unit) >= 0
    assert fits(text, Limit(limit=50, unit=unit)) is (found.length <= 50)


@given(st.text(max_size=100), st.text(max_size=100), st.sampled_from(["chars", "bytes", "utf16", "septets"]))
def test_a_longer_text_is_never_shorter(text: str, more: str, unit: Unit) -> None:
    assert length(text + more, unit) >= length(text, unit)
