"""Cases from CSV, JSON Lines and recorded triages; what is masked in them, and how they stand in a suite's file."""

from __future__ import annotations

import json
import re
import string
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import NOW, escalation, message, order, reason, understanding
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.cases import Case
from evals.importing import COLUMNS, case_of_triage, read_rows, write_suite
from evals.suites import read_suite
from evals.targets import in_process
from service import pipeline
from service.errors import KnowledgeNotUsable, SettingsNotUsable
from service.masking import ACCOUNT, ADDRESS, HANDLE, NUMBER, Mask, rounded
from service.messages import Context, Customer, Draft, DraftText, Feedback, Message, Order, Triage, Versions
from service.parts import Parts
from service.settings import Settings

Run = Callable[..., subprocess.CompletedProcess[str]]


def written(folder: Path, text: str, name: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def case(name: str, text: str = "Hello", **fields: Any) -> Case:
    return Case.model_validate({"name": name, "inputs": {"text": text}} | fields)


class TestRowsOfCsv:
    def read(self, folder: Path, text: str) -> tuple[list[Case], list[str]]:
        cases, problems = read_rows(written(folder, text, "cases.csv"))
        return cases, [problem.removeprefix(f"{folder}/") for problem in problems]

    def test_become_cases_with_all_that_columns_can_say(self, tmp_path: Path) -> None:
        head = (
            "name,text,channel,handle,author_name,customer_id,followers,label,also,language,escalate,reasons,passages,order,action,"
            "contains,not_contains,max_length,similar_to,cites,regex,reference,tags,skip,weight,industry\n"
        )
        row = (
            'Late again!,"Where is it, please?",x,@lena,Lena,C-1042,1200,frustration|other,information_seeking,en,TRUE,'
            "churn_risk|repeat_contact,return-item|fees,A-1001,reply,24 November|tent,A-1001,280,We are sorry,return-item,"
            '"24|25 Nov",Sorry!,a | b,not yet,2.5,retail\n'
        )
        (made,), problems = self.read(tmp_path, head + row)
        assert problems == []
        author = {"handle": "@lena", "name": "Lena", "customer_id": "C-1042", "followers": "1200"}
        assert made.name == "Late-again"
        assert made.inputs == {"text": "Where is it, please?", "channel": "x", "author": author}
        assert made.expected_output.model_dump(exclude_unset=True) == {
            "label": ["frustration", "other"], "also": ["information_seeking"], "language": "en", "escalate": True,
            "reasons": ["churn_risk", "repeat_contact"], "passages": ["return-item", "fees"], "order": "A-1001",
            "action": ["reply"],
        }  # fmt: skip
        assert [(one.type, one.value) for one in made.asserts] == [
            ("contains", "24 November"), ("contains", "tent"), ("not-contains", "A-1001"), ("max-length", 280),
            ("similar", "We are sorry"), ("cites", "return-item"), ("regex", "24|25 Nov"),
        ]  # fmt: skip
        assert (made.reference, made.tags, made.skip, made.weight) == ("Sorry!", ["a", "b"], "not yet", 2.5)
        assert made.slices == {"industry": "retail"}

    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_are_parted_as_spreadsheets_part_them(self, tmp_path: Path, separator: str) -> None:
        rows = [
            ["text", "label", "tags"],
            ['"She said ""no"", twice"', "frustration", "a"],
            ['"two\nlines; and, more\t"', "other", "b"],
        ]
        made, problems = self.read(tmp_path, "\ufeff" + "\r\n".join(separator.join(row) for row in rows) + "\r\n")
        assert problems == []
        assert [one.inputs["text"] for one in made] == ['She said "no", twice', "two\nlines; and, more\t"]
        assert [one.tags for one in made] == [["a"], ["b"]]

    def test_of_one_column_are_read(self, tmp_path: Path) -> None:
        made, problems = self.read(tmp_path, "text\nHello there\n\nGood bye\n")
        assert ([one.inputs["text"] for one in made], problems) == (["Hello there", "Good bye"], [])
        assert len({one.name for one in made}) == 2

    @pytest.mark.parametrize("word", ["none", "None", "null", "-"])
    def test_may_say_that_there_must_be_no_order_and_no_passage(self, tmp_path: Path, word: str) -> None:
        (made,), _ = self.read(tmp_path, f"text,order,passages\nHello,{word},{word}\n")
        assert made.expected_output.model_dump(exclude_unset=True) == {"order": None, "passages": []}

    def test_that_leave_a_column_empty_expect_nothing_of_it(self, tmp_path: Path) -> None:
        (made,), _ = self.read(tmp_path, "text,order,passages,label\nHello,,,\n")
        assert made.expected_output.model_fields_set == set()

    def test_that_are_wrong_are_named_and_the_others_read(self, tmp_path: Path) -> None:
        rows = [
            "text,label,channel,weight,name", "fine,praise,x,,a", "off,prase,x,,b", "off,praise,fax,,c", ",praise,x,,d",
            "off,praise,x,much,e", "off,praise,x,,f,more", "again,other,x,,a", "fine,other,,,h",
        ]  # fmt: skip
        made, problems = self.read(tmp_path, "\n".join(rows) + "\n")
        assert [one.name for one in made] == ["a", "h"]
        starts = [
            "cases.csv:3: expected_output.label.0: Input should be 'frustration'", "cases.csv:4: channel: Input should be 'x'",
            "cases.csv:5: text: Field required", "cases.csv:6: weight: Input should be a valid number",
            "cases.csv:7: more values than columns: is a text with the separator in it without quotes?",
            "cases.csv:8: a case named a stands on an earlier line too",
        ]  # fmt: skip
        assert len(problems) == len(starts)
        for problem, start in zip(problems, starts, strict=True):
            assert problem.startswith(start)

    def test_with_a_quote_left_open_are_named_and_not_swallowed(self, tmp_path: Path) -> None:
        made, problems = self.read(tmp_path, 'text,label\nfine,praise\n"open,praise\nlost,praise\n')
        assert [one.inputs["text"] for one in made] == ["fine"]
        assert problems == ["cases.csv:3: not valid CSV (unexpected end of data): is a quote left open?"]

    @pytest.mark.parametrize(
        ("head", "said"),
        [
            ("lable,text", "cases.csv:1: unknown column 'lable'; did you mean 'label'?"),
            ("zzzz,text", f"cases.csv:1: unknown column 'zzzz'; columns are {', '.join(COLUMNS)}"),
            ("message,label", "cases.csv:1: there is no column text; columns are "),
            ("", "cases.csv:1: there is no column text; columns are "),
        ],
    )
    def test_under_an_unknown_column_are_refused_with_the_nearest(self, tmp_path: Path, head: str, said: str) -> None:
        with pytest.raises(SettingsNotUsable) as raised:
            self.read(tmp_path, f"{head}\na,b\n")
        assert raised.value.detail.removeprefix(f"{tmp_path}/").startswith(said)

    def test_of_a_file_that_is_not_there_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(KnowledgeNotUsable, match="is missing"):
            read_rows(tmp_path / "cases.csv")


class TestLinesOfJson:
    def read(self, folder: Path, *lines: Any) -> tuple[list[Case], list[str]]:
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        cases, problems = read_rows(written(folder, text, "cases.jsonl"))
        return cases, [problem.removeprefix(f"{folder}/") for problem in problems]

    def test_are_whole_cases_or_flat_ones(self, tmp_path: Path) -> None:
        whole = {"name": "a", "inputs": {"text": "Hello"}, "asserts": [{"type": "contains", "value": "x", "in": "private"}]}
        flat = {
            "text": "Hello",
            "label": ["praise", "other"],
            "escalate": False,
            "order": None,
            "regex": ["a|b", "c"],
            "max_length": 280,
        }
        (one, other), problems = self.read(tmp_path, whole, "", flat)
        assert problems == []
        assert one == Case.model_validate(whole)
        assert other.name == "cases-3"
        expected = {"label": ["praise", "other"], "escalate": False, "order": None}
        assert other.expected_output.model_dump(exclude_unset=True) == expected
        assert [(done.type, done.value) for done in other.asserts] == [("max-length", 280), ("regex", "a|b"), ("regex", "c")]

    def test_that_are_wrong_are_named_and_the_others_read(self, tmp_path: Path) -> None:
        made, problems = self.read(
            tmp_path, '{"text": ', '["text"]', {"text": "x", "lable": "praise"}, {"inputs": {"text": "x"}},
            {"name": "a", "inputs": {"text": "x", "chanel": "x"}}, {"name": "b", "inputs": {"text": "x"}, "expected": {}},
            {"text": "x", "contains": [7]}, {"text": "fine"}, "[" * 100_000,
        )  # fmt: skip
        assert [one.inputs["text"] for one in made] == ["fine"]
        starts = [
            "cases.jsonl:1: not valid JSON (", "cases.jsonl:2: a line is a JSON object such as ",
            "cases.jsonl:3: unknown column 'lable'; did you mean 'label'?", "cases.jsonl:4: name: Field required",
            "cases.jsonl:5: unknown key 'chanel'; did you mean 'channel'?",
            "cases.jsonl:6: unknown key 'expected'; did you mean 'expected_output'?",
            "cases.jsonl:7: asserts.0: contains takes a text as its value, in quotes", "cases.jsonl:9: not valid JSON (",
        ]  # fmt: skip
        assert len(problems) == len(starts)
        for problem, start in zip(problems, starts, strict=True):
            assert problem.startswith(start)


LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=60)


class TestASuiteFile:
    def test_is_made_with_its_schema_and_read_as_it_was_meant(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "my suite.yaml"
        said = case("a", "Hi: 'you' #1 \n  - no", expected_output={"order": None, "passages": [], "label": "other"}, tags=["x"])
        assert write_suite(path, "my suite", [said, case("b", weight=1.0)]) == 2
        assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=suite.schema.json\nname: ")
        suite = read_suite(path)
        assert suite.name == "my-suite"
        assert [one.case.model_dump() for one in suite.cases] == [said.model_dump(), case("b").model_dump()]
        expected = suite.cases[0].case.expected_output
        assert {"order", "passages"} <= expected.model_fields_set, "an order that must not be shown would not be judged"

    @pytest.mark.parametrize("name", ["1234", "2026-11-22", "yes", "null"])
    def test_may_be_named_as_something_that_yaml_takes_for_a_number(self, tmp_path: Path, name: str) -> None:
        write_suite(tmp_path / "mine.yaml", name, [case("yes"), case("12")])
        suite = read_suite(tmp_path / "mine.yaml")
        assert (suite.name, [one.case.name for one in suite.cases]) == (name, ["yes", "12"])

    @settings(max_examples=100, deadline=None)
    @given(st.lists(LETTERS, min_size=1, max_size=4), st.text("\u2028\u2029\x85\t\n -#'\":{}&*!|>%@`a", min_size=1, max_size=30))
    def test_holds_any_text(self, tmp_path_factory: pytest.TempPathFactory, texts: list[str], hard: str) -> None:
        path = tmp_path_factory.mktemp("any") / "mine.yaml"
        cases = [case(f"c{at}", f"x{said}", reference=hard) for at, said in enumerate([*texts, hard])]
        for one in cases:  # each is added to what stands there
            write_suite(path, "mine", [one])
        assert [one.case for one in read_suite(path).cases] == cases

    @pytest.mark.parametrize(
        "text",
        [
            "name: mine\ncases:\n- name: a\n  inputs: {text: Hello}\n",
            "name: mine\ncases:\n  - name: a\n    inputs: {text: Hello}",
            "# of QA\nname: mine\ncases:\n    -   name: a\n        inputs:\n            text: Hello # said\n\n\n",
            "cases:\n- name: a\n  inputs:\n    text: |\n      Hello\n\n# its name\nname: mine\n",
            "name: mine\ncases:\n  - {name: a, inputs: {text: Hello}}\n",
        ],
    )  # fmt: skip
    def test_is_added_to_however_it_is_indented_and_keeps_its_comments(self, tmp_path: Path, text: str) -> None:
        path = written(tmp_path, text, "mine.yaml")
        assert write_suite(path, "other", [case("b", "Bye"), case("c")]) == 2
        suite = read_suite(path)
        assert (suite.name, [one.case.name for one in suite.cases]) == ("mine", ["a", "b", "c"])
        assert suite.cases[1].message.text == "Bye"
        kept = path.read_text(encoding="utf-8").split("\n")
        assert [line for line in text.split("\n") if line.strip() and line not in kept] == []

    def test_that_cannot_be_added_to_is_left_alone(self, tmp_path: Path) -> None:
        text = "name: mine\ncases: [{name: a, inputs: {text: Hello}}]\n"
        path = written(tmp_path, text, "mine.yaml")
        with pytest.raises(SettingsNotUsable, match="no case can be added to it: write its cases in block style"):
            write_suite(path, "mine", [case("b")])
        assert path.read_text(encoding="utf-8") == text

    def test_keeps_a_case_that_it_has(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.yaml"
        write_suite(path, "mine", [case("a", "mended by hand")])
        before = path.read_text(encoding="utf-8")
        assert write_suite(path, "mine", [case("a", "as imported")]) == 0
        assert path.read_text(encoding="utf-8") == before

    def test_is_not_made_where_there_is_no_case(self, tmp_path: Path) -> None:
        assert write_suite(tmp_path / "mine.yaml", "mine", []) == 0
        assert not (tmp_path / "mine.yaml").exists()

    def test_that_is_broken_is_told_by_line_and_not_added_to(self, tmp_path: Path) -> None:
        path = written(tmp_path, "name: mine\ncases:\n  - nam: a\n", "mine.yaml")
        with pytest.raises(KnowledgeNotUsable, match=r"mine\.yaml:3: unknown key 'cases\.0\.nam'; did you mean 'name'\?"):
            write_suite(path, "mine", [case("b")])

    def test_that_cannot_be_written_says_so(self, tmp_path: Path) -> None:
        written(tmp_path, "", "file")
        with pytest.raises(SettingsNotUsable, match="can't be written"):
            write_suite(tmp_path / "file" / "mine.yaml", "mine", [case("b")])


def test_import_adds_what_is_right_names_what_is_not_and_adds_nothing_twice(tmp_path: Path, run: Run) -> None:
    source = written(tmp_path, "text,label,name\nHello,praise,a\nBye,prase,b\n", "cases.csv")
    suite = tmp_path / "mine.yaml"
    for added, before in ((1, 0), (0, 1)):
        done = run("eval", "import", source, suite)
        assert done.returncode == 1
        assert f"{source}:3: expected_output.label.0: Input should be" in done.stderr
        assert f"{added} cases added to {suite}, {before} there before, 1 lines refused" in done.stderr
        assert "Traceback" not in done.stderr
    assert [one.case.name for one in read_suite(suite).cases] == ["a"]


BOUND = r"(?<![^\W_]){}(?![^\W_])"
OURS = ("@tarntimber_help", "@TarnTimber")


def masked(text: str, orders: tuple[Order, ...] = (), **author: Any) -> str:
    given = message(text, author=author)
    return Mask(given, None, orders, OURS).text(text)


class TestMasking:
    @pytest.mark.parametrize(
        "address",
        [
            "lena@mail.example", "Lena.Vogt+shop@mail.co.example", "o_b-1@sub.mail.example", "müller@straße.example",
            "a!b%c@mail.example", "lena (at) mail.example", "lena[at]mail.example", "LENA@MAIL.EXAMPLE",
        ],
    )  # fmt: skip
    def test_takes_out_addresses(self, address: str) -> None:
        assert masked(f"Schreibt an {address}, danke") == f"Schreibt an {ADDRESS}, danke"
        assert masked(f"<{address}>") == f"<{ADDRESS}>"

    @pytest.mark.parametrize(
        "number",
        [
            "+49 151 23456789", "0151-23456789", "0151/2345678", "(030) 123 45 67", "0151 - 2345678", "+49 (0)151 2345 6789",
            "555 1234", "0151\u00a02345678", "0151\u20132345678", "00491512345678", "+33.6.12.34.56.78",
        ],
    )  # fmt: skip
    def test_takes_out_phone_numbers(self, number: str) -> None:
        for text in (f"Ruft mich an: {number}!", f"{number}", f"Tel.{number}ok"):
            left = masked(text).replace(NUMBER, "")
            assert re.search(r"\d", left) is None or "99" in left, left
            assert number not in left
        assert masked(f"Tel {number}, bitte") in (f"Tel {NUMBER}, bitte", f"Tel {masked(number)}, bitte")

    @pytest.mark.parametrize(
        "iban",
        [
            "DE89 3704 0044 0532 0130 00", "DE89370400440532013000", "de89 3704 0044 0532 0130 00", "NL91ABNA0417164300",
            "NL91 ABNA 0417 1643 00", "FR14 2004 1010 0505 0001 3M02 606", "NO9386011117947", "DE89-3704-0044-0532-0130-00",
            "GB29 NWBK 6016 1331 9268 19", "SE45\u00a05000\u00a00000\u00a00583\u00a09825\u00a07466", "DE 89 370400440532013000",
        ],
    )  # fmt: skip
    def test_takes_out_accounts_and_leaves_the_words_after_them(self, iban: str) -> None:
        assert masked(f"Bitte auf {iban} und zwar bald") == f"Bitte auf {ACCOUNT} und zwar bald"

    def test_takes_out_handles_but_not_the_brand_s(self) -> None:
        text = "@tarntimber_help. @TARNTIMBER und @lena.v_2! Danke u/lena-v, @x"
        assert masked(text) == f"@tarntimber_help. @TARNTIMBER und {HANDLE}! Danke {HANDLE}, {HANDLE}"

    def test_takes_out_a_known_handle_without_its_at(self) -> None:
        assert masked("bin lena_v auf insta", handle="@lena_v") == f"bin {HANDLE} auf insta"

    def test_takes_out_names_however_they_are_written(self) -> None:
        text = "LENA hier, Müllers Paket. Gruß, Lena Müller; lena Mueller, muller_lena, Lenas Zelt. Lenapark bleibt"
        assert masked(text, name="lena Müller") == (
            "Alex hier, Alexs Paket. Gruß, Alex; Alex, Alex_Alex, Alexs Zelt. Lenapark bleibt"
        )  # fmt: skip
        assert masked("José? Jose! Anna-Lena, Lena", name="José Anna-Lena") == "Alex? Alex! Alex, Alex"

    def test_leaves_particles_of_names_which_are_words(self) -> None:
        assert masked("De doos van Sanne den Hofstra", name="Sanne van den Hofstra") == "De doos van Alex den Alex"

    def test_names_somebody_else_where_the_customer_is_called_so(self) -> None:
        assert masked("Alex hier", name="Alex Kim") == "Robin hier"

    def test_gives_each_number_one_of_its_own_form_in_every_text(self) -> None:
        orders = (order(), order(order_id="A-1002", tracking=None), order(order_id="B77", customer_id="C-1042"))
        given = message("A-1001 und a-1002, nicht A-1003? Bestellung 1001", author={"customer_id": "C-1042"})
        mask = Mask(given, None, orders)
        assert mask.text(given.text) == "A-9999 und A-9998, nicht A-9997? Bestellung 9999"
        assert [mask.number(value) for value in ("A-1001", "C-1042", "RP48210077DE")] == ["A-9999", "C-9999", "RP99999999DE"]
        assert mask.text("Zu A-1001: C-1042") == "Zu A-9999: C-9999"

    def test_keeps_no_letter_of_an_id_that_is_no_number(self) -> None:
        made = Mask(message(), None, (order(order_id="VOGT-LENA-7"),)).number("VOGT-LENA-7")
        assert made == "ID-9999"

    def test_leaves_days_times_and_prices(self) -> None:
        text = "Am 24. November um 14:30 Uhr, 2 Stück zu 219,00 € oder 10-12 Uhr, Zelt Skarn 2"
        assert masked(text) == text

    def test_is_done_with_its_own_work(self) -> None:
        text = "lena@mail.example, +49 151 23456789, DE89 3704 0044 0532 0130 00, @lena"
        assert masked(masked(text)) == masked(text)

    @pytest.mark.parametrize(
        ("followers", "kept"), [(0, 0), (7, 7), (99, 99), (304, 300), (12_873, 12_000), (1_999_999, 1_900_000)]
    )
    def test_keeps_two_digits_of_a_reach(self, followers: int, kept: int) -> None:
        assert rounded(followers) == kept


WORD = st.text(string.ascii_letters + "äöüßéñø", min_size=3, max_size=12)
AROUND = st.text("abc XYZ äö.,;:!?()\n\t-_/'\"🙂", max_size=15)
DIGITS = st.text(string.digits, min_size=2, max_size=4)
GAPS = st.sampled_from([" ", "-", "/", ".", "", " - ", "\u00a0", "\u202f"])
IBANS = st.tuples(
    st.sampled_from(["DE", "NL", "FR", "GB", "se", "Es"]), st.text(string.digits, min_size=2, max_size=2),
    st.sampled_from(["", "ABNA", "NWBK"]), st.lists(st.text(string.digits, min_size=4, max_size=4), min_size=3, max_size=6),
)  # fmt: skip


ORDER_NUMBERS = st.from_regex(r"[A-Z]{1,3}-[0-9]{4,7}|[0-9]{5,9}|[A-Z]{2}[0-9]{6,10}[A-Z]{0,2}", fullmatch=True)


def standing(value: str, text: str) -> bool:
    return re.search(BOUND.format(re.escape(value)), text, re.IGNORECASE) is not None


class TestNothingPersonalSurvives:
    """Whatever stands around it."""

    @settings(max_examples=300, deadline=None)
    @given(AROUND, st.text(string.ascii_letters + string.digits + "._%+-", min_size=1, max_size=20), WORD, AROUND)
    def test_no_address(self, before: str, local: str, domain: str, after: str) -> None:
        local = f"q{local}q"
        left = masked(f"{before} {local}@{domain}.example {after}")
        assert local not in left
        assert f"@{domain}" not in left

    @settings(max_examples=300, deadline=None)
    @given(AROUND, st.sampled_from(["+49 ", "0", "+", "(0)", ""]), st.lists(DIGITS, min_size=4, max_size=6), GAPS, AROUND)
    def test_no_phone_number(self, before: str, prefix: str, groups: list[str], gap: str, after: str) -> None:
        number = prefix + gap.join(groups)
        left = masked(f"{before} {number} {after}")
        assert number not in left or number in (NUMBER, NUMBER.replace(" ", ""))
        assert set(re.findall(r"\d", left)) <= {"0"}

    @settings(max_examples=300, deadline=None)
    @given(AROUND, IBANS, st.sampled_from(["", " ", "-", "\u00a0"]), AROUND)
    def test_no_account(self, before: str, parts: tuple[str, str, str, list[str]], gap: str, after: str) -> None:
        country, check, bank, groups = parts
        iban = gap.join(part for part in (country + check, bank, *groups) if part)
        left = masked(f"{before} {iban} {after}").replace(ACCOUNT, "")
        assert re.search(r"\d", left) is None, left

    @settings(max_examples=300, deadline=None)
    @given(AROUND, WORD, WORD, st.sampled_from([str.lower, str.upper, str.capitalize, str]), AROUND)
    def test_no_known_name(self, before: str, first: str, last: str, form: Callable[[str], str], after: str) -> None:
        first, last = f"q{first}", f"x{last}"  # no particle, and nobody called Alex
        text = f"{before} {form(first)} {after} {form(last)}, {form(first)} {form(last)} {form(last)}s"
        for left in (
            masked(text, name=f"{first} {last}"),
            Mask(message(), Customer(customer_id="C-1", name=f"{first} {last}"), ()).text(text),
        ):
            assert not standing(form(first), left)
            assert not standing(form(last), left)
            assert not standing(f"{form(last)}s", left)

    @settings(max_examples=300, deadline=None)
    @given(AROUND, st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=15), AROUND, st.booleans())
    def test_no_handle(self, before: str, handle: str, after: str, known: bool) -> None:
        handle = f"q{handle}q"
        text = f"{before} @{handle} {after}" + (f" {handle}" if known else "")
        customer = Customer(customer_id="C-1", handles={"x": f"@{handle}"}) if known else None
        assert not standing(handle, Mask(message(), customer, (), OURS).text(text))

    @settings(max_examples=300, deadline=None)
    @given(
        AROUND,
        st.from_regex(r"[A-Z]{1,3}-[0-9]{4,7}|[0-9]{5,9}|[A-Z]{2}[0-9]{6,10}[A-Z]{0,2}", fullmatch=True),
        AROUND,
        st.booleans(),
    )
    def test_no_order_number(self, before: str, number: str, after: str, known: bool) -> None:
        orders = (order(order_id=number, tracking=None),) if known else ()
        given = message(f"{before} {number} {after} {number.lower()}")
        left = Mask(given, None, orders).text(given.text)
        assert not standing(number, left) or number == NUMBER.replace(" ", "")


VERSIONS = Versions(service="1", embedder="e", classifier="c", knowledge="k", policy="p")
LENA = Customer(customer_id="C-1042", name="Lena Vogt", email="lena.vogt@mail.example", handles={"instagram": "@lena"})


def recorded(text: str, *orders: Order, action: Any = "reply", **fields: Any) -> tuple[Triage, Message]:
    given = message(text, channel="whatsapp", **fields)
    words = DraftText(text="Hallo Lena, A-1001 kommt am 24. November.", length=40, limit=None, unit="chars")
    draft = Draft(action=action, engine="composer", language="de", private=words)
    triage = Triage(
        id="tri_7", brand="demo", received_at=NOW, understanding=understanding("frustration"), context=Context(orders=orders),
        draft=draft, escalation=escalation(reason("churn_risk")), versions=VERSIONS, timings_ms={},
    )  # fmt: skip
    return triage, given


def made(
    text: str, *orders: Order, feedback: list[Feedback] | None = None, right: dict[str, Any] | None = None, **fields: Any
) -> Case:
    triage, given = recorded(text, *orders, **fields)
    return case_of_triage(triage, given, LENA, feedback or [], list(OURS), right or {})


class TestARecordedTriage:
    def test_becomes_a_case_that_expects_what_was_found_except_what_is_right_instead(self) -> None:
        done = made("Wo ist A-1001?", order(), right={"label": "information_seeking", "escalate": False, "reasons": []})
        assert done.expected_output.model_dump(exclude_unset=True) == {
            "label": ["information_seeking"], "level": ["moderate"], "topic": ["delivery"], "language": "de", "escalate": False,
            "reasons": [], "action": ["reply"], "order": "A-9999",
        }  # fmt: skip

    def test_holds_nothing_of_the_customer_s(self, tmp_path: Path) -> None:
        thread = [
            {"role": "brand", "text": "Hallo Lena Vogt, ist A-1001 da?"},
            {"role": "customer", "text": "Nein! lena.vogt@mail.example"},
        ]
        author = {"customer_id": "C-1042", "name": "Lena Vogt", "handle": "@lena", "followers": 12_873}
        heard = [{"kind": "audio", "url": "https://cdn.example/lena.ogg", "transcript": "Hier ist Lena, Bestellung 1001"}]
        done = made(
            "Wo ist A-1001 (RP48210077DE)? Lena, +49 151 23456789, @lena, C-1042", order(note="Lena rief an: 151 23456789"),
            thread=thread, attachments=heard, author=author,
            feedback=[Feedback(action="edited", text="Hallo Lena, A-1001 kommt. Gruß, Maria", agent="Maria Holt")],
        )  # fmt: skip
        write_suite(tmp_path / "mine.yaml", "mine", [done])
        text = (tmp_path / "mine.yaml").read_text(encoding="utf-8")
        for value in ("lena", "vogt", "1001", "rp48210077de", "1042", "23456789", "maria", "holt", "12873"):
            assert value not in text.casefold(), value
        assert done.reference == "Hallo Alex, A-9999 kommt. Gruß, Alex"
        assert done.inputs["author"] == {"customer_id": "C-9999", "followers": 12_000}
        assert done.inputs["attachments"] == [{"kind": "audio", "transcript": "Hier ist Alex, Bestellung 9999"}]

    def test_brings_the_orders_it_stood_on_each_under_another_number(self) -> None:
        done = made("Wo ist mein Paket?", order(), order(order_id="A-1002", tracking=None))
        assert done.fixture is not None
        assert done.fixture.orders is not None
        assert [one["order_id"] for one in done.fixture.orders] == ["A-9999", "A-9998"]
        assert {one["customer_id"] for one in done.fixture.orders} == {"C-9999"} == {done.inputs["author"]["customer_id"]}
        assert done.expected_output.order == "A-9999"

    @pytest.mark.parametrize(
        ("feedback", "reference", "action"),
        [
            ([], None, ["reply"]),
            ([Feedback(action="accepted")], "Hallo Alex, A-9999 kommt am 24. November.", ["reply"]),
            ([Feedback(action="edited", text="Gleich da, Lena!")], "Gleich da, Alex!", ["reply"]),
            ([Feedback(action="rejected")], None, None),
            ([Feedback(action="rejected", text="Das sagte ich statt dessen.")], "Das sagte ich statt dessen.", None),
            ([Feedback(action="rejected"), Feedback(action="edited", text="Dann so")], "Dann so", ["reply"]),
        ],
    )  # fmt: skip
    def test_takes_what_was_sent_for_the_reference(
        self, feedback: list[Feedback], reference: str | None, action: list[str] | None
    ) -> None:
        done = made("Wo ist mein Paket?", order(), feedback=feedback)
        assert (done.reference, done.expected_output.action) == (reference, action)
        assert done.tags == ["recorded", *(f"feedback:{one.action}" for one in feedback[-1:])]

    def test_keeps_what_the_answer_depends_on(self) -> None:
        done = made("Wo ist mein Paket?", language="de", options={"tone": "formal"}, visibility="public")
        assert done.inputs == {
            "text": "Wo ist mein Paket?", "channel": "whatsapp", "visibility": "public", "brand": "demo",
            "received_at": NOW.isoformat(), "language": "de", "options": {"tone": "formal"},
        }  # fmt: skip

    def test_of_a_voice_message_is_a_case_that_can_be_read(self, tmp_path: Path) -> None:
        done = made("", attachments=[{"kind": "audio", "transcript": "Wo ist mein Paket?"}])
        write_suite(tmp_path / "mine.yaml", "mine", [done])
        assert read_suite(tmp_path / "mine.yaml").cases[0].message.content == "Wo ist mein Paket?"

    async def test_by_the_real_pipeline_is_met_by_its_own_case(
        self, parts: Parts, settings_in: Callable[..., Settings], tmp_path: Path
    ) -> None:
        given = message(
            "Wo bleibt A-1001? Das Zelt sollte Mittwoch da sein!", channel="whatsapp", author={"customer_id": "C-1042"}
        )
        triage = await pipeline.triage(given, parts)
        assert triage.context.orders[0].order_id == "A-1001"
        done = case_of_triage(triage, given, LENA, [], list(OURS), {})
        write_suite(tmp_path / "mine.yaml", "mine", [done])
        (one,) = read_suite(tmp_path / "mine.yaml").cases
        async with in_process(settings_in(tmp_path), NOW.date()) as target:
            again = await target.triage(one)
        assert again.context.orders[0].order_id == one.case.expected_output.order == "A-9999"
        assert [again.understanding.label] == one.case.expected_output.label
        assert yaml.safe_load((tmp_path / "mine.yaml").read_text(encoding="utf-8"))["cases"][0]["name"] == triage.id


def test_label_makes_a_recorded_triage_a_case_in_one_command(data_dir: Path, tmp_path: Path, run: Run) -> None:
    text = "Wo ist meine Bestellung A-1001? Ruft Lena an: 0151 23456789"
    done = run("triage", text, "--customer", "C-1042", "--json", data_dir=data_dir)
    assert done.returncode == 0, done.stderr
    triage = json.loads(done.stdout)
    suite = tmp_path / "mine.yaml"
    for said in (f"case {triage['id']} added to {suite}: read it once", f"case {triage['id']} is in {suite} already"):
        found = run("eval", "label", triage["id"], "--suite", suite, "--label", "frustration", "--no-escalate", data_dir=data_dir)
        assert (found.returncode, said in found.stderr) == (0, True), found.stderr
    (case_made,) = read_suite(suite).cases
    assert case_made.case.expected_output.label == ["frustration"]
    assert (case_made.case.expected_output.escalate, case_made.case.expected_output.reasons) == (False, [])
    assert case_made.message.text == f"Wo ist meine Bestellung A-9999? Ruft Alex an: {NUMBER}"


def test_label_refuses_a_triage_it_does_not_know_and_a_label_there_is_not(data_dir: Path, tmp_path: Path, run: Run) -> None:
    unknown = run("eval", "label", "tri_none", "--suite", tmp_path / "mine.yaml", data_dir=data_dir)
    assert unknown.returncode == 2
    assert "no triage tri_none is recorded here" in unknown.stderr
    wrong = run("eval", "label", "tri_none", "--suite", tmp_path / "mine.yaml", "--label", "prase", data_dir=data_dir)
    assert wrong.returncode == 2
    assert "label.0: Input should be 'frustration', 'information_seeking', 'praise' or 'other'" in wrong.stderr
    assert not (tmp_path / "mine.yaml").exists()
