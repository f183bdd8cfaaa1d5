"""Which language a text is in, down to messages of one word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.brands import read_brand
from service.files import shipped
from service.messages import Attachment, Message, Turn
from service.retrieve.folder import read_folder
from service.understand.language import identify, of_turns
from service.understand.understanding import language_of

SIX = ("en", "de", "nl", "sv", "fr", "es")


def code(text: str, *hints: str | None, said: str | None = None, supported: tuple[str, ...] = SIX) -> str:
    return identify(text, said=said, supported=supported, hints=hints).code


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("en", "the zip on my rucksack broke after two walks, what now"),
        ("de", "der reißverschluss an meinem rucksack ist nach zwei touren hin, was jetzt"),
        ("nl", "de rits van mijn rugzak is na twee keer lopen stuk, wat nu"),
        ("sv", "dragkedjan på ryggsäcken gick sönder efter två turer, vad gör jag nu"),
        ("fr", "la fermeture de mon sac a lâché après deux sorties, que faire"),
        ("es", "la cremallera de la mochila se rompió a las dos salidas, ¿qué hago?"),
    ],
)
def test_a_sentence_is_told_and_supported(expected: str, text: str) -> None:
    found = identify(text, said=None, supported=SIX)
    assert (found.code, found.supported) == (expected, True)
    assert found.score > 0.4


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("pl", "Gdzie jest moja paczka? Czekam już dwa tygodnie i nikt nie odpowiada."),
        ("it", "Dov'è il mio pacco? Aspetto da due settimane e nessuno risponde."),
        ("fi", "Missä pakettini on? Olen odottanut jo kaksi viikkoa."),
        ("ja", "荷物はどこですか。もう二週間も待っています。返事をください。"),
        ("ar", "أين طلبي؟ أنتظر منذ أسبوعين ولم يصلني أي رد من خدمة العملاء"),
        ("ru", "Где моя посылка? Жду уже две недели, и никто не отвечает."),
    ],
)
def test_another_language_is_told_and_marked_as_not_supported(expected: str, text: str) -> None:
    found = identify(text, said=None, supported=SIX)
    assert (found.code, found.supported) == (expected, False)


def test_every_shipped_answer_reads_as_the_language_of_its_folder() -> None:
    entries = [entry for entry in read_folder(shipped("knowledge/demo")) if entry.kind != "product"]
    assert len(entries) == 6 * (50 + 6 + 26)
    texts = [(entry.id, entry.language, text) for entry in entries for text in (entry.answer, *entry.wordings)]
    assert [(name, text) for name, language, text in texts if code(text) != language] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("danke", "de"), ("dank je wel", "nl"), ("merci", "fr"), ("gracias", "es"), ("tack!", "sv"), ("thanks", "en")],
)
def test_a_single_everyday_word_is_told_from_the_list(text: str, expected: str) -> None:
    assert code(text) == expected


@pytest.mark.parametrize(
    "text", ["", "   ", "😡😡😡", "12345", "!!!", "#win @lena", "https://shop.example/de/zelt", "A-1001", "B-2044"]
)
def test_a_text_without_words_is_undetermined(text: str) -> None:
    found = identify(text, said=None, supported=SIX)
    assert (found.code, found.score, found.supported) == ("und", 0.0, False)


@pytest.mark.parametrize("text", ["", "😡😡😡", "ok", "hmm", "A-1001"])
def test_a_text_too_short_to_tell_takes_the_first_hint_that_says_something(text: str) -> None:
    assert code(text, None, "und", "sv", "de") == "sv"


def test_a_hint_does_not_overrule_a_sentence() -> None:
    assert code("ik wacht nu al drie weken op mijn pakket en niemand reageert", "de") == "nl"


@pytest.mark.parametrize(("said", "expected"), [("de", "de"), ("DE", "de"), ("de-AT", "de"), ("pt_BR", "pt"), ("fr-CA", "fr")])
def test_what_the_caller_says_wins_over_the_text(said: str, expected: str) -> None:
    found = identify("Where is my parcel? I have waited for two weeks.", said=said, supported=SIX, hints=("sv",))
    assert (found.code, found.score, found.supported) == (expected, 1.0, expected in SIX)


def test_supported_means_supported_by_this_brand() -> None:
    text = "Wo bleibt mein Paket, ich warte seit zwei Wochen"
    assert identify(text, said=None, supported=("en", "de")).supported is True
    assert identify(text, said=None, supported=("en",)).supported is False


@pytest.mark.parametrize(
    "text", ["wo blibt mis päckli, i warte scho zwei wuche druf", "wat dauert dat denn so lang mit mien paket"]
)
def test_a_dialect_is_its_standard_language(text: str) -> None:
    assert code(text) == "de"


def test_handles_hashtags_and_links_do_not_count_as_words() -> None:
    text = "@tarnandtimber #outdoor #camping #weekend https://help.example/en/where-is-my-order wo bleibt denn mein zelt?"
    assert code(text) == "de"


def test_capitals_do_not_matter() -> None:
    text = "wo bleibt mein paket ihr habt es mir versprochen"
    assert code(text.upper()) == code(text) == "de"


@given(st.text(max_size=300), st.sampled_from([None, *SIX]))
def test_any_text_gives_a_code_and_a_probability(text: str, hint: str | None) -> None:
    found = identify(text, said=None, supported=SIX, hints=(hint,))
    assert found.code.islower()
    assert 0 <= found.score <= 1
    assert found.supported is (found.code in SIX)
    assert found == identify(text, said=None, supported=SIX, hints=(hint,))


class TestThreads:
    def test_turns_together_tell_a_language(self) -> None:
        assert of_turns(["hej", "var är mitt paket", "jag väntar fortfarande"]) == "sv"

    def test_a_few_words_tell_nothing(self) -> None:
        assert of_turns([]) is None
        assert of_turns(["ok", "A-1001"]) is None

    def test_a_short_message_takes_the_language_of_the_customers_turns_not_of_ours(self) -> None:
        thread = (
            Turn(role="customer", text="Hej, jag beställde ett tält för två veckor sedan och inget har hänt"),
            Turn(role="brand", text="Thanks for your message, we are looking into it and will be back soon."),
        )
        found = language_of(Message(text="???", thread=thread), SIX)
        assert (found.code, found.supported) == ("sv", True)

    def test_the_thread_goes_before_the_customers_record(self) -> None:
        thread = (Turn(role="customer", text="Bonjour, ma commande n'est toujours pas arrivée"),)
        assert language_of(Message(text="ok", thread=thread), SIX, ("de",)).code == "fr"
        assert language_of(Message(text="ok"), SIX, ("de",)).code == "de"

    def test_a_transcript_is_read_where_there_is_no_text(self) -> None:
        note = Attachment(kind="audio", transcript="Hola, quería saber cuándo llega mi pedido porque me voy de viaje")
        assert language_of(Message(text="", attachments=(note,)), SIX).code == "es"


def test_the_demo_brand_supports_the_six_languages() -> None:
    assert set(read_brand("demo", shipped("knowledge/demo")).identity.languages) == set(SIX)
