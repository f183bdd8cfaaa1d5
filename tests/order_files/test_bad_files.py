"""Whatever is wrong with a file of orders, it is told by line and reason, and the rest goes in."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from service.errors import KnowledgeNotUsable
from service.order_files import text as texts
from service.order_files.customers import read_customers
from service.order_files.read import Read, read_orders

TODAY = date(2026, 11, 22)
GOOD = {"order_id": "A-1", "customer_id": "C-1", "status": "placed"}


def read(data: str | bytes, form: Any = "auto") -> Read:
    return read_orders(data.encode() if isinstance(data, str) else data, "orders", form, TODAY)


def lines(*rows: Any) -> str:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


def order(**fields: Any) -> dict[str, Any]:
    return GOOD | {"order_id": "A-2"} | fields


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (order(placed_at="2026-11-24"), "placed_at: 2026-11-24 lies ahead"),
        (order(shipped_at="2031-01-01"), "shipped_at: 2031-01-01 lies ahead"),
        (order(delivered_at="2027-01-01T08:00:00Z"), "delivered_at: 2027-01-01 lies ahead"),
        (
            order(refund={"amount": 1, "currency": "EUR", "status": "done", "at": "2027-01-01"}),
            "refund.at: 2027-01-01 lies ahead",
        ),
        (order(placed_at="22.11.2026"), "placed_at: '22.11.2026' is no day: write it like 2026-11-22"),
        (order(due_at="2026-02-30"), "due_at: '2026-02-30' is no day"),
        (order(timeline=[{"at": "soon", "event": "placed"}]), "timeline.0.at: 'soon' is no day"),
        (order(total={"amount": -1, "currency": "EUR"}), "total.amount: -1 is under 0"),
        (order(items=[{"name": "Kite", "price": -2.5}]), "items.0.price: -2.5 is under 0"),
        (order(items=[{"name": "Kite", "quantity": 0}]), "items.0.quantity: 0 is under 1"),
        (order(total={"amount": 1, "currency": "EURO"}), "total.currency: 'EURO' is no currency of ISO 4217, such as EUR"),
        (order(total={"amount": 1, "currency": "EUP"}), "did you mean"),
        (order(status="in transit"), "status: 'in transit' is not known: did you mean 'in_transit'?"),
        (order(status="flying"), "status: 'flying' is not known"),
        (order(issue="brokn"), "issue: 'brokn' is not known"),
        (order(trackng="x"), "trackng: unknown key, did you mean 'tracking'?"),
        ({"order_id": "A-2", "status": "lost"}, "customer_id: is missing"),
        (order(order_id=" "), "order_id: is empty"),
        (GOOD, "A-1 stands on line 1 too; the first one was taken"),
        ('{"order_id": "A-2", ', "not valid JSON"),
        (
            '{"order_id": "A-2", "customer_id": "C-1", "status": "lost", "total": {"amount": 1e999, "currency": "EUR"}}',
            "is no number",
        ),
        ('{"order_id": "A-2", "customer_id": "C-1", "status": "lost", "total": {"amount": NaN, "currency": "EUR"}}', "NaN"),
        ("[1, 2]", "is no JSON object"),
        ('{"a":' * 5_000 + "1" + "}" * 5_000, "nested too deep"),
        ('{"note": "' + "x" * 1_100_000 + '"}', "over 1048576 characters"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_bad_line_is_told_and_the_rest_goes_in(wrong: Any, said: str) -> None:
    found = read(lines(GOOD, wrong, order(order_id="A-3")))
    assert [one.order_id for one in found.orders] == ["A-1", "A-3"]
    (problem,) = found.problems
    assert problem.startswith("line 2: ")
    assert said in problem


def test_the_first_line_may_be_the_broken_one() -> None:
    found = read(lines("nonsense", GOOD))
    assert [one.order_id for one in found.orders] == ["A-1"]
    assert found.problems == ["line 1: not valid JSON (Expecting value at character 1)"]
    found = read(lines('{"order_id": ', GOOD, GOOD | {"order_id": "A-2"}))
    assert [one.order_id for one in found.orders] == ["A-1", "A-2"]
    assert len(found.problems) == 1


def test_tomorrow_may_have_begun_where_the_order_was_placed() -> None:
    assert read(lines(order(placed_at="2026-11-23"))).problems == []


def test_a_time_becomes_its_day_and_what_cant_be_stored_is_taken_out() -> None:
    (found,) = read(lines(order(placed_at="2026-11-20T23:59:59+02:00", note="a\x00b\ud800", why="x", late=True))).orders
    assert (found.placed_at, found.note, found.why, found.late) == ("2026-11-20", "ab\ufffd", None, False)


def test_an_array_is_read_like_lines_and_a_broken_one_is_told_with_its_line() -> None:
    assert [one.order_id for one in read(json.dumps([GOOD, order()], indent=1)).orders] == ["A-1", "A-2"]
    broken = json.dumps([GOOD, order()], indent=1)[:-3]
    found = read(broken)
    assert found.orders == []
    assert found.problems[0].startswith("line ")
    assert "nothing of this file was read" in found.problems[0]


def test_a_line_that_is_not_utf8_is_told_and_the_rest_goes_in() -> None:
    data = (
        lines(GOOD).encode()
        + b'{"order_id": "A-2", "note": "Gr\xfc\xdfe"}\n'
        + lines(order(order_id="A-3", note="Größe")).encode()
    )
    found = read(data)
    assert [one.order_id for one in found.orders] == ["A-1", "A-3"]
    assert found.problems == ["line 2: byte 0xFC is not UTF-8: save the file as UTF-8"]


HEAD = "order_id,customer_id,status,note\n"


def test_a_table_of_windows_1252_is_recognised_and_said() -> None:
    found = read((HEAD + "A-1,C-1,placed,Größe 5 €\n").encode("cp1252"))
    assert found.orders[0].note == "Größe 5 €"
    assert "Windows-1252" in found.notes[0]


def test_a_table_in_utf16_or_with_a_mark_is_read() -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        assert read((HEAD + "A-1,C-1,placed,Größe\n").encode(encoding)).orders[0].note == "Größe"


def test_a_row_of_a_utf8_table_that_is_not_utf8_is_told() -> None:
    found = read((HEAD + "A-1,C-1,placed,Größe\n").encode() + b"A-2,C-1,placed,Gr\xf6\xdfe\nA-3,C-1,placed,\n")
    assert [one.order_id for one in found.orders] == ["A-1", "A-3"]
    assert found.problems == ["line 3: byte 0xF6 is not UTF-8: save the file as UTF-8"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_recognised(delimiter: str) -> None:
    head = "order_id,customer_id,status\nA-1,C-1,placed\n".replace(",", delimiter)
    assert [one.order_id for one in read(head).orders] == ["A-1"]


def test_a_missing_column_is_named_beside_those_found() -> None:
    for form, said in (
        ("auto", "line 1: column 'customer_id' is missing; found: order_id, status"),
        ("shopify", "line 1: column 'name' is missing; found: order_id, status"),
        ("woocommerce", "line 1: column 'date_created' or 'order_date' or 'date' is missing; found: order_id, status"),
    ):
        found = read("order_id,status\nA-1,placed\n", form)
        assert found.problems[0].startswith(said)
        assert found.orders == []


def test_a_column_like_a_known_one_is_named() -> None:
    assert read("order_id,customer_id,status,traking\nA-1,C-1,placed,x\n").notes == [
        "column 'traking' is not read: did you mean 'tracking'?"
    ]


def test_a_quote_that_is_not_closed_costs_its_line_only() -> None:
    found = read(HEAD + 'A-1,C-1,placed,"open\nA-2,C-1,placed,"fine"\nA-3,C-1,placed,"two\nlines"\n')
    assert [one.order_id for one in found.orders] == ["A-2", "A-3"]
    (problem,) = found.problems
    assert problem.startswith("line 2: ")
    assert "quotes" in problem


def test_rows_that_do_not_fit_are_told() -> None:
    found = read(HEAD + "A-1,C-1,placed,a,b\n,C-1,placed,\nA-2,C-1,placed,\nA-2,C-1,placed,\nA-3,C-1,plcaed,\n")
    assert [one.order_id for one in found.orders] == ["A-2"]
    assert [problem.split(":")[0] for problem in found.problems] == ["line 2", "line 3", "line 5", "line 6"]
    assert "the header has 4" in found.problems[0]
    assert "stands on line 4 too" in found.problems[2]
    assert "did you mean 'placed'" in found.problems[3]


def test_an_amount_of_a_table_that_is_none_is_told() -> None:
    head = "order_id,customer_id,status,total,currency\n"
    found = read(head + "A-1,C-1,placed,€ 5,EUR\nA-2,C-1,placed,5,\nA-3,C-1,placed,-5,EUR\nA-4,C-1,placed,5,XQQ\n")
    assert found.orders == []
    said = ["'€ 5' is no amount", "currency is empty", "is under 0", "is no currency"]
    assert [said[at] in problem for at, problem in enumerate(found.problems)] == [True] * 4


@pytest.mark.parametrize("data", [b"PK\x03\x04" + b"\x00" * 50, b"%PDF-1.7\n", b"\x00\x01\x02"])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(KnowledgeNotUsable, match="not text"):
        read(data)


def test_a_file_too_large_to_be_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MOST_BYTES", 10)
    with pytest.raises(KnowledgeNotUsable, match="split it"):
        read(lines(GOOD))


def test_nothing_at_all_is_no_order_and_says_so() -> None:
    assert read("").problems == ["the file is empty"]
    assert read("\n \n").problems == ["the file is empty"]


def test_a_bad_customer_is_told() -> None:
    found, told = read_customers(lines({"customer_id": "C-1"}, {"name": "x"}, "no", {"customer_id": "C-1"}).encode(), "c")
    assert [one.customer_id for one in found] == ["C-1"]
    assert [problem.split(":")[0] for problem in told.problems] == ["line 2", "line 3", "line 4"]
