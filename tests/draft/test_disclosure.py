"""The brand's disclosure ends both texts of the composer, on the shortest channel too, and counts as part of them."""

from __future__ import annotations

from typing import get_args

import pytest
from builders import DEMO, escalation, message, order, passage, understanding

from service.brands import MOST_DISCLOSURE, Voice
from service.draft.write import compose
from service.messages import Channel, Context

SAID = "x" * (MOST_DISCLOSURE - 1) + "."
BRAND = DEMO.model_copy(update={"voices": DEMO.voices | {"de": DEMO.voice("de").model_copy(update={"disclosure": SAID})}})


@pytest.mark.parametrize("channel", get_args(Channel))
@pytest.mark.parametrize("about_order", [True, False])
def test_both_texts_end_with_it_and_fit(channel: Channel, about_order: bool) -> None:
    found = (passage("return-item"),)
    context = Context(orders=(order(),)) if about_order else Context(passages=found, answers=(found,))
    given = message(channel=channel, visibility="public")
    draft = compose(
        given, understanding(topic="delivery" if about_order else "returns"), context, escalation(), BRAND, BRAND.phrases
    )[0]
    assert [check for check in draft.checks if not check.passed] == []
    for text in (draft.public, draft.private):
        assert text is not None
        assert text.text.endswith(f"\n\n{SAID}")
        assert text.length <= (text.limit or 0)


@pytest.mark.parametrize(
    ("field", "value"), [("disclosure", "x" * (MOST_DISCLOSURE + 1)), ("disclosure", "AI"), ("never_say", ["--"])]
)
def test_a_bad_one_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        Voice.model_validate({"team": "us", field: value})
