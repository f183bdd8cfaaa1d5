"""A table of customers is read like JSON Lines of them, whatever its columns are called and wherever they stand."""

from __future__ import annotations

import json

import pytest

from service.messages import Customer
from service.order_files.customers import customer_lines, read_customers
from service.order_files.given import Told

MAYA = {
    "customer_id": "K-7", "name": "Maya Lindqvist", "email": "maya@mail.example", "language": "sv", "country": "SE",
    "handles": {"instagram": "@maya", "x": "@maya_l"}, "vip": True, "since": "2024-05-01",
}  # fmt: skip
HEAD = "customer_id,name,vip\n"


def read(data: str | bytes) -> tuple[list[Customer], Told]:
    return read_customers(data.encode() if isinstance(data, str) else data, "customers")


@pytest.mark.parametrize(
    "head",
    [
        "customer_id,name,email,language,country,handle_instagram,handle_x,vip,since",
        "Customer ID,Customer Name,Customer Email,Customer Language,Customer Country,Handle Instagram,Handle X,VIP,Since",
        "user_id,shipping_name,billing_email,language,billing_country,handle_instagram,handle_x,vip,customer_since",
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_row_is_what_its_line_of_json_is(head: str, delimiter: str, turned: bool) -> None:
    row = "K-7,Maya Lindqvist,maya@mail.example,sv,SE,@maya,@maya_l,yes,2024-05-01"
    lines = [delimiter.join(line.split(",")[:: -1 if turned else 1]) for line in (head, row)]
    found, told = read("\n".join(lines) + "\n")
    assert (told.problems, told.notes) == ([], [])
    assert found == customer_lines([json.dumps(MAYA)])[0]


def test_a_name_in_two_columns_is_one_and_an_empty_cell_is_a_field_that_is_not_there() -> None:
    found, _ = read("Customer ID,First Name,Last Name,Email,handle_x\nK-1,Ines,Faria,,\nK-2,,Brandt,,\nK-3,,,,@three\n")
    assert [one.name for one in found] == ["Ines Faria", "Brandt", None]
    assert [one.model_fields_set for one in found] == [
        {"customer_id", "name"}, {"customer_id", "name"}, {"customer_id", "handles"},
    ]  # fmt: skip


def test_bad_rows_are_told_with_line_and_reason_and_the_rest_goes_in() -> None:
    rows = [
        "K-1,Ann,yes", "K-2,Bo,often", ",Cy,no", "K-1,Dee,no", "K-3,Eve,no,more", 'K-4,"open,no', "K-5,Fay,0",
    ]  # fmt: skip
    found, told = read(HEAD + "\n".join(rows) + "\n")
    assert [(one.customer_id, one.vip) for one in found] == [("K-1", True), ("K-5", False)]
    assert [problem.split(":")[0] for problem in told.problems] == ["line 3", "line 4", "line 5", "line 6", "line 7"]
    said = ["vip: 'often' is neither yes nor no", "customer_id: is missing", "K-1 stands on an earlier line", "the header has 3",
            "check the quotes"]  # fmt: skip
    assert [part in problem for part, problem in zip(said, told.problems, strict=True)] == [True] * 5


def test_a_table_without_a_customers_id_says_which_columns_were_found() -> None:
    found, told = read("name,email\nMaya,maya@mail.example\n")
    assert found == []
    assert told.problems == [
        "line 1: column 'customer_id' or 'customer_user_id' or 'user_id' or 'customer_user' is missing; found: name, email; "
        "nothing of this file was read"
    ]


def test_a_column_that_is_not_read_is_named_beside_the_one_it_is_like() -> None:
    _, told = read("customer_id,handle_instagrm,shoe size\nK-1,@maya,39\n")
    assert told.notes == [
        "column 'handle_instagrm' is not read: did you mean 'handle_instagram'?", "column 'shoe_size' is not read",
    ]  # fmt: skip


def test_other_encodings_are_read_as_those_of_orders_are() -> None:
    for encoding in ("utf-16", "utf-8-sig", "cp1252"):
        found, told = read((HEAD + "K-1,Jörg Groß,no\n").encode(encoding))
        assert [one.name for one in found] == ["Jörg Groß"]
        assert [("Windows-1252" in note) for note in told.notes] == [True] * (encoding == "cp1252")
    assert [one.name for one in read(json.dumps({"customer_id": "K-1", "name": "Jörg"}).encode("utf-16"))[0]] == ["Jörg"]


def test_a_file_without_any_customer_has_none() -> None:
    assert read("") == ([], Told())
