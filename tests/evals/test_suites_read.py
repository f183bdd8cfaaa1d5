"""Suites as QA writes them: what a typo is told, what a case means, the schema for editors, and what the shipped ones hold."""

from __future__ import annotations

import json
import re
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import LANGUAGES

from evals.cases import SuiteFile
from evals.importing import SCHEMA, write_schema
from evals.suites import FOLDER, Suite, SuiteCase, find_suite, read_suite, shipped_suites
from service.errors import KnowledgeNotUsable, SettingsNotUsable
from service.files import shipped
from service.messages import Message
from service.retrieve.folder import read_faqs, read_macros

HEAD = "name: mine\ncases:\n"
LEAST_CASES = 600
LEAST_OF_A_LANGUAGE = 60
LEAST_WORDS = 4  # from which a text is somebody's sentence
# Messages of one word, which any customer writes: a hello, a review.
ANYBODY_S = {"es-hola", "nl-hello-hello", "sv-und-ett-ord-bedrovligt"}


def written(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def refused(path: Path) -> str:
    """What a person is told, without the folder."""
    with pytest.raises(KnowledgeNotUsable) as raised:
        read_suite(path)
    assert "\n" not in raised.value.detail
    return raised.value.detail.removeprefix(f"{path.parent}/")


def case(*lines: str, name: str = "a") -> str:
    return f"  - name: {name}\n    inputs: {{text: Hello}}\n" + "".join(f"    {line}\n" for line in lines)


class TestATypo:
    @pytest.mark.parametrize(
        ("text", "line", "key", "nearest"),
        [
            ("nam: mine\ncases: []\n", 1, "nam", "name"),
            (HEAD + "  - name: a\n    input: {text: Hello}\n", 4, "cases.0.input", "inputs"),
            (HEAD + case("expected_output:", "  topic: faq", "  lable: praise"), 7, "cases.0.expected_output.lable", "label"),
            (HEAD + case("expected_output:", "  not_reason: []"), 6, "cases.0.expected_output.not_reason", "not_reasons"),
            (HEAD + case("asserts:", "  - {type: no-pii}", "  - {type: regex, valeu: x}"), 7, "cases.0.asserts.1.valeu", "value"),
            (HEAD + case("fixture: {knowlege: []}"), 5, "cases.0.fixture.knowlege", "knowledge"),
            (HEAD + case("wieght: 2"), 5, "cases.0.wieght", "weight"),
            (HEAD + "  - name: a\n    inputs:\n      text: Hello\n      chanel: x\n", 6, "cases.0.inputs.chanel", "channel"),
            (
                HEAD + case() + "  - name: b\n    inputs:\n      text: Hello\n      author:\n        handel: '@lena'\n",
                9, "cases.1.inputs.author.handel", "handle",
            ),
            (
                HEAD + "  - name: a\n    inputs:\n      text: Hello\n      thread:\n        - role: brand\n          txt: Hi\n",
                8, "cases.0.inputs.thread.0.txt", "text",
            ),
            ("name: mine\ndefaults:\n  tone: x\ncases:\n" + case(), 3, "defaults.tone", "options"),
        ],
    )  # fmt: skip
    def test_names_file_line_key_and_the_nearest_valid_key(
        self, tmp_path: Path, text: str, line: int, key: str, nearest: str
    ) -> None:
        assert refused(written(tmp_path, text)) == f"mine.yaml:{line}: unknown key {key!r}; did you mean {nearest!r}?"

    def test_is_found_on_its_own_line_where_another_case_s_name_starts_alike(self, tmp_path: Path) -> None:
        text = HEAD + case(name="de-late-twice") + "  - name: de-late\n    inputs: {text: Hello, chanel: x}\n"
        assert refused(written(tmp_path, text)).startswith("mine.yaml:6: unknown key 'cases.1.inputs.chanel'; ")

    def test_ends_the_command_with_exit_code_2_and_one_line(
        self, tmp_path: Path, run: Callable[..., subprocess.CompletedProcess[str]]
    ) -> None:
        path = written(tmp_path, HEAD + case("expected_output: {lable: praise}"))
        done = run("eval", "run", path)
        assert done.returncode == 2
        assert f"{path}:5: unknown key 'cases.0.expected_output.lable'; did you mean 'label'?" in done.stderr
        assert "Traceback" not in done.stderr
        assert not done.stdout


class TestAFileThatCannotBeRead:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "mine.yaml:1: name: Field required"),
            ("name: mine\n", "mine.yaml:1: cases: Field required"),
            ("name: mine\ncases: []\n", "mine.yaml:2: cases: List should have at least 1 item"),
            ("name: mine\ncases: [\n", "mine.yaml:3: did not find expected node content"),
            (HEAD + "  - name: a\n    inputs:\n      text: Late: again\n", "mine.yaml:5: mapping values are not allowed"),
            (HEAD + case("skip: ''"), "mine.yaml:5: cases.0.skip: "),
            (HEAD + case("weight: 0"), "mine.yaml:5: cases.0.weight: Input should be greater than 0"),
            (HEAD + case("threshold: 80"), "mine.yaml:5: cases.0.threshold: Input should be less than or equal to 1"),
            (HEAD + case(name="a parcel"), "mine.yaml:3: cases.0.name: a name is letters, digits and . : / _ - without spaces"),
            (HEAD + case("expected_output: {label: prase}"), "mine.yaml:5: cases.0.expected_output.label.0: Input should be 'f"),
            (HEAD + case("expected_output: {language: german}"), "mine.yaml:5: cases.0.expected_output.language: "),
            (
                HEAD + case("expected_output: {reasons: churn_risk, not_reasons: [churn_risk]}"),
                "mine.yaml:5: cases.0.expected_output: churn_risk stands in reasons and in not_reasons",
            ),
            (HEAD + "  - name: a\n    inputs: {text: ' '}\n", "mine.yaml:4: cases.0.inputs: text is empty"),
            (HEAD + "  - name: a\n    inputs:\n      text: Hi\n      channel: fax\n", "mine.yaml:6: cases.0.inputs.channel: "),
            (HEAD + "  - name: a\n    inputs: {text: {Late: x}}\n", "mine.yaml:4: cases.0.inputs.text: a text with a colon"),
        ],
    )  # fmt: skip
    def test_is_told_by_line_what_is_wrong(self, tmp_path: Path, text: str, said: str) -> None:
        assert refused(written(tmp_path, text)).startswith(said)

    def test_is_told_of_the_case_that_stands_twice(self, tmp_path: Path) -> None:
        path = written(tmp_path, HEAD + case() + case(name="b") + case())
        assert refused(path) == "mine.yaml:7: case a stands at mine.yaml:3 too: rename one"

    def test_is_told_of_the_case_that_stands_in_another_file_of_the_suite(self, tmp_path: Path) -> None:
        written(tmp_path / "mine", HEAD + case(), "de.yaml")
        second = written(tmp_path / "mine", HEAD + case(name="b") + case(), "en.yaml")
        with pytest.raises(KnowledgeNotUsable) as raised:
            read_suite(second.parent)
        assert raised.value.detail == f"{second}:5: case a stands at de.yaml:3 too: rename one"

    def test_is_told_of_the_key_that_stands_twice_since_the_first_would_be_lost(self, tmp_path: Path) -> None:
        path = written(tmp_path, HEAD + case("expected_output: {label: praise}", "tags: [x]", "expected_output: {language: en}"))
        assert refused(path) == "mine.yaml:7: the key 'expected_output' stands on line 5 too: keep one"

    def test_is_told_of_two_names_in_one_folder(self, tmp_path: Path) -> None:
        written(tmp_path / "mine", HEAD + case(), "de.yaml")
        second = written(tmp_path / "mine", HEAD.replace("mine", "theirs") + case(name="b"), "en.yaml")
        with pytest.raises(KnowledgeNotUsable) as raised:
            read_suite(second.parent)
        assert raised.value.detail == f"{second}: its name is 'theirs', that of de.yaml 'mine': one of them"

    def test_is_told_that_it_is_not_utf8(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.yaml"
        path.write_bytes((HEAD + case()).replace("Hello", "Grüße").encode("latin-1"))
        assert "is not UTF-8" in refused(path)

    def test_a_folder_without_suites_is_told_so(self, tmp_path: Path) -> None:
        assert "there is no YAML file in it" in refused(tmp_path)

    def test_a_suite_that_is_not_there_is_told_the_nearest_name(self) -> None:
        with pytest.raises(SettingsNotUsable) as raised:
            find_suite("retreival")
        assert raised.value.detail == "no suite 'retreival'; did you mean 'retrieval'?"

    def test_a_suite_that_is_like_none_is_told_all_names(self) -> None:
        with pytest.raises(SettingsNotUsable) as raised:
            find_suite("zzz")
        assert raised.value.detail == f"no suite 'zzz'; there are: {', '.join(shipped_suites())}; or give a file or a folder"


class TestACase:
    def read(self, folder: Path, text: str) -> SuiteCase:
        return read_suite(written(folder, text)).cases[0]

    def test_takes_what_it_leaves_out_from_the_file(self, tmp_path: Path) -> None:
        text = "name: mine\ndefaults: {channel: x, received_at: 2026-11-20T08:00:00Z}\n" + HEAD.partition("\n")[2]
        made = self.read(tmp_path, text + "  - name: a\n    inputs: {text: Hello, channel: whatsapp}\n").message
        assert (made.channel, made.visibility, made.received_at.isoformat()) == (
            "whatsapp",
            "private",
            "2026-11-20T08:00:00+00:00",
        )

    def test_says_the_same_whenever_it_is_read(self, tmp_path: Path) -> None:
        path = written(tmp_path, HEAD + case())
        one, other = read_suite(path), read_suite(path)
        assert one.cases[0].message == other.cases[0].message
        assert (one.digest, one.cases[0].digest) == (other.digest, other.cases[0].digest)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("text: Hello", "text: Hallo"), ("label: praise", "label: other"), ("value: x", "value: y"),
            ("weight: 2", "weight: 3"), ("weight: 2", "skip: it is being written"), ("reference: x", "reference: y"),
            ("value: x", "value: x, in: private"), ("label: praise", "order: null"),
        ],
    )  # fmt: skip
    def test_has_another_digest_when_anything_it_says_changes(self, tmp_path: Path, old: str, new: str) -> None:
        text = HEAD + case(
            "expected_output: {label: praise}", "asserts: [{type: contains, value: x}]", "weight: 2", "reference: x"
        )
        assert old in text
        digests = {self.read(tmp_path / str(at), said).digest for at, said in enumerate((text, text.replace(old, new)))}
        assert len(digests) == 2

    def test_is_in_the_slices_that_follow_from_it(self, tmp_path: Path) -> None:
        text = "name: mine\nslices: {industry: retail, tier: gold}\n" + HEAD.partition("\n")[2]
        text += "  - name: a\n    inputs: {text: Hallo, channel: x}\n    expected_output: {language: de, label: praise}\n"
        found = self.read(tmp_path, text + "    slices: {tier: silver}\n").slices
        assert found == {"channel": "x", "language": "de", "label": "praise", "industry": "retail", "tier": "silver"}

    def test_that_accepts_two_labels_is_in_the_slice_of_neither(self, tmp_path: Path) -> None:
        made = self.read(tmp_path, HEAD + case("expected_output: {label: [praise, other]}"))
        assert made.slices == {"channel": "other"}

    def test_may_write_one_value_where_a_list_stands(self, tmp_path: Path) -> None:
        said = "{label: praise, also: other, reasons: churn_risk, not_reasons: self_harm, passages: return-item, action: reply}"
        made = self.read(tmp_path, HEAD + case(f"expected_output: {said}", "tags: order")).case
        expected = made.expected_output
        assert (expected.label, expected.also, expected.reasons) == (["praise"], ["other"], ["churn_risk"])
        assert (expected.not_reasons, expected.passages, expected.action) == (["self_harm"], ["return-item"], ["reply"])
        assert made.tags == ["order"]

    def test_files_of_one_folder_are_one_suite_whatever_their_ending(self, tmp_path: Path) -> None:
        written(tmp_path / "mine", HEAD + case(name="b"), "b.yml")
        path = written(tmp_path / "mine", HEAD + case(), "a.yaml").parent
        assert [one.case.name for one in read_suite(path).cases] == ["a", "b"]
        assert find_suite(str(path)) == path


TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "number": (int, float), "integer": int, "boolean": bool, "null": type(None),
}  # fmt: skip
KNOWN = set(
    "type properties additionalProperties items anyOf enum required pattern minLength maxLength minItems maxItems "
    "minimum maximum exclusiveMinimum maxProperties propertyNames $ref $defs description title default format".split()
)


def against(schema: dict[str, Any], value: Any, root: dict[str, Any], at: str = "") -> Iterator[str]:
    """What an editor would underline: JSON Schema with the keywords that ours uses."""
    assert set(schema) <= KNOWN, set(schema) - KNOWN
    if "$ref" in schema:
        yield from against(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], value, root, at)
    if "anyOf" in schema and not any(not list(against(option, value, root, at)) for option in schema["anyOf"]):
        yield f"{at}: {value!r} fits none"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is not among {schema['enum']}"
    wanted = TYPES[schema["type"]] if "type" in schema else object
    if not isinstance(value, wanted) or (isinstance(value, bool) and "type" in schema and wanted is not bool):
        yield f"{at}: {value!r} is no {schema['type']}"
        return
    if isinstance(value, str):
        if re.search(schema.get("pattern", ""), value) is None or len(value) > schema.get("maxLength", len(value)):
            yield f"{at}: {value!r} does not fit"
        if len(value) < schema.get("minLength", 0):
            yield f"{at}: is too short"
    if isinstance(value, int | float) and not (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and schema.get("exclusiveMinimum", value - 1) < value
    ):
        yield f"{at}: {value} is out of range"
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{at}: {len(value)} items"
        for number, item in enumerate(value):
            yield from against(schema.get("items", {}), item, root, f"{at}.{number}")
    if isinstance(value, dict):
        yield from (f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value)
        for name, item in value.items():
            rest = schema.get("additionalProperties", True)
            inner = schema.get("properties", {}).get(name, rest)
            if inner is False:
                yield f"{at}.{name}: unknown"
            elif inner is not True:
                yield from against(inner, item, root, f"{at}.{name}")


class PlainLoader(yaml.SafeLoader):
    """Reads a bare day as text, as an editor's JSON schema does."""


PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, words) for tag, words in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("schema") / SCHEMA
    write_schema(path)
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


class TestTheSchema:
    def test_that_is_shipped_is_what_the_command_writes(
        self, tmp_path: Path, run: Callable[..., subprocess.CompletedProcess[str]]
    ) -> None:
        done = run("eval", "schema", tmp_path / "made.json")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "made.json").read_text(encoding="utf-8") == (FOLDER / SCHEMA).read_text(encoding="utf-8"), (
            f"write it anew: firstreply eval schema evals/suites/{SCHEMA}"
        )

    def test_that_cannot_be_written_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsNotUsable, match="can't be written: No such file or directory"):
            write_schema(tmp_path / "nowhere" / SCHEMA)

    @pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.yaml")), ids=lambda path: str(path.relative_to(FOLDER)))
    def test_underlines_nothing_in_a_shipped_suite(self, schema: dict[str, Any], path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert list(against(schema, yaml.load(text, Loader=PlainLoader), schema)) == []
        beside = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
        assert beside is not None, "its first line names the schema"
        assert (path.parent / beside[1]).resolve() == FOLDER / SCHEMA

    @pytest.mark.parametrize(
        "text",
        [
            HEAD + case("expected_output: {lable: praise}"),
            HEAD + case("expected_output: {label: prase}"),
            HEAD + case("asserts: [{type: contians, value: x}]"),
            HEAD + case("expected_output: {reasons: [legal_thread]}"),
            HEAD + "  - name: a\n    inputs: {text: Hello, chanel: x}\n",
            HEAD + "  - name: a\n    inputs: {text: Hello, author: {handel: x}}\n",
            "name: mine\ndefaults: {recieved_at: x}\ncases:\n" + case(),
            HEAD + case(name="a parcel"),
            HEAD + case("weight: 0"),
            "name: mine\ncases: []\n",
        ],
    )
    def test_underlines_what_a_read_refuses(self, schema: dict[str, Any], tmp_path: Path, text: str) -> None:
        assert refused(written(tmp_path, text))
        assert list(against(schema, yaml.load(text, Loader=PlainLoader), schema))

    def test_describes_every_key(self, schema: dict[str, Any]) -> None:
        ours = [schema, *(schema["$defs"][name] for name in ("Case", "Expected", "DraftAssert", "Fixture"))]
        bare = [
            name for one in ours for name, field in one["properties"].items()
            if not field.get("description") and name not in ("cases", "expected_output")
        ]  # fmt: skip
        assert bare == []


@cache
def all_shipped() -> tuple[Suite, ...]:
    return tuple(read_suite(find_suite(name)) for name in shipped_suites())


def plain(text: str) -> str:
    """Letters and digits alone: two texts that differ in case, punctuation or emoji only are one."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", folded)) or folded.strip()


def conversation(text: str, before: list[str]) -> tuple[str, ...]:
    """What was said: "hello?" is a word that anybody writes, and another message after other turns; a sentence is not."""
    alone = plain(text)
    return (alone,) if len(alone.split()) >= LEAST_WORDS else (*map(plain, before), alone)


class TestTheShippedSuites:
    def cases(self) -> list[SuiteCase]:
        return [one for suite in all_shipped() for one in suite.cases]

    def test_cover_what_a_release_is_judged_by(self) -> None:
        assert {suite.name for suite in all_shipped()} >= {
            "understanding", "escalation", "retrieval", "drafts", "safety", "regressions"
        }  # fmt: skip
        assert [suite.name for suite in all_shipped()] == shipped_suites(), "the folder's name is the suite's"

    def test_are_large_and_in_six_languages(self) -> None:
        counts = Counter(one.slices.get("language") for one in self.cases())
        assert sum(counts.values()) >= LEAST_CASES
        assert {language: counts[language] for language in LANGUAGES if counts[language] < LEAST_OF_A_LANGUAGE} == {}

    def test_have_names_of_their_own(self) -> None:
        twice = [name for name, count in Counter(one.case.name for one in self.cases()).items() if count > 1]
        assert twice == []

    def test_have_texts_of_their_own(self) -> None:
        texts: dict[tuple[str, ...], list[str]] = {}
        for one in self.cases():
            if one.case.fixture is not None and one.case.fixture.written is not None:
                continue  # the same message, for which models write different drafts
            said = (*(plain(turn.text) for turn in one.message.thread), plain(one.message.content), one.message.channel)
            texts.setdefault(said, []).append(f"{one.suite}/{one.case.name}")
        assert [names for names in texts.values() if len(names) > 1] == []

    def test_say_something_to_be_judged(self) -> None:
        mute = [one.case.name for one in self.cases() if not one.case.expected_output.model_fields_set and not one.case.asserts]
        assert mute == []

    def test_were_used_to_fit_nothing(self) -> None:
        learnt: dict[tuple[str, ...], str] = {}
        for path in sorted(shipped("knowledge/examples").glob("*.jsonl")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                example = json.loads(line)
                before = [turn["text"] for turn in example.get("thread", ())]
                learnt[conversation(example["text"], before)] = f"{path.name}:{number}"
        demo = shipped("knowledge/demo")
        for entry in [*read_faqs(demo), *read_macros(demo)]:
            for question in (entry.title, *entry.questions):
                learnt[conversation(question, [])] = entry.id
        assert len(learnt) > 1_000
        found: dict[str, str] = {}
        for one in self.cases():
            said = conversation(one.message.content, [turn.text for turn in one.message.thread])
            if said in learnt and not (one.case.name in ANYBODY_S and len(said[-1].split()) == 1):
                found[one.case.name] = learnt[said]
        assert found == {}

    def test_are_read_by_the_models_that_the_schema_is_made_of(self) -> None:
        for path in FOLDER.rglob("*.yaml"):
            SuiteFile.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
        assert all(isinstance(one.message, Message) for one in self.cases())
