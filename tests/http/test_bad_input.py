"""Whatever is sent, the answer is a triage or a problem that says what to do; never a 5xx, never the message's words."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.messages import Triage

SECRET = "Zwiebelkuchenrezept"  # stands in messages and must never stand in a problem
JSON = {"content-type": "application/json"}


def nested(depth: int) -> str:
    return f'{{"text": "{SECRET}", "metadata": ' + '{"a":' * depth + "1" + "}" * depth + "}"


def lists(depth: int) -> str:
    return f'{{"text": "{SECRET}", "thread": ' + "[" * depth + "]" * depth + "}"


TRIAGED: dict[str, Any] = {
    "only emoji": {"text": "😡😡😡"},
    "one emoji made of several": {"text": "👨‍👩‍👧‍👦"},
    "only punctuation": {"text": "???!!!"},
    "one letter": {"text": "a"},
    "10,000 characters": {"text": ("Wo bleibt mein Paket? " * 500)[:10_000]},
    "10,000 characters without a space": {"text": "a" * 10_000},
    "10,000 emoji": {"text": "😡" * 10_000},
    "10,000 line breaks and a word": {"text": "\n" * 9_990 + "hallo"},
    "NUL and control characters": {"text": "Wo ist\x00 mein\x07 Paket\x1b[31m?\x7f\x85"},
    "lone surrogate": '{"text": "where is my parcel \\ud800 ?"}',
    "pair of surrogates the wrong way round": '{"text": "where is my parcel \\udc00\\ud800"}',
    "lone surrogate in every place": '{"text": "hi \\udfff", "id": "\\ud800", "author": {"handle": "\\udc00"},'
    ' "thread": [{"role": "customer", "text": "\\ud83d"}], "metadata": {"\\ud800": "\\udfff"}}',
    "right-to-left": {"text": "أين طردي؟ لقد مر أسبوعان \u202eolleh\u202c"},
    "combining marks piled up": {"text": "Z" + "\u0301" * 400 + " wo ist mein Paket"},
    "empty text beside an attachment": {"text": "", "attachments": [{"kind": "image", "url": "https://cdn.example/1.jpg"}]},
    "100 turns": {"text": "still nothing", "thread": [{"role": "customer", "text": f"turn {n}"} for n in range(100)]},
    "turns of 10,000 characters": {"text": "hm", "thread": [{"role": "customer", "text": "wo? " * 2_500}] * 20},
    "a huge number of followers": {"text": "hi", "author": {"followers": 10**30}},
    "a language nobody speaks": {"text": "where is my parcel", "language": "tlh-Latn-x-qo'noS"},
    "an offset of time": {"text": "hi", "received_at": "2026-11-22T09:00:00+14:00"},
    "the last moment of the last year": {"text": "hi", "received_at": "2100-12-31T23:59:59Z"},
    "the first moment of the first year": {"text": "hi", "received_at": "2000-01-01T00:00:00Z"},
    "markup and SQL": {"text": "<script>alert(1)</script> '; DROP TABLE triages; -- {0} {{name}} %s [red]"},
    "placeholders of a template": {"text": "where is {order} {name} {{#if}} ${HOME}", "author": {"name": "{name}"}},
    "a regular expression's worst": {"text": "a" * 5_000 + "!" + "a " * 2_000},
    "digits only": {"text": "9" * 10_000},
    "quotes, brackets and at signs": {"text": "@" * 3_000 + "(" * 3_000 + '"' * 3_000},
    "null for what may be left out": {"text": "hi", "id": None, "author": None, "thread": None, "options": None},
}  # fmt: skip

# The wrong body, the status and the pointers of its fields.
REFUSED: dict[str, tuple[Any, int, list[str]]] = {
    "empty text": ({"text": ""}, 422, [""]),
    "blank text": ({"text": " \n\t\u00a0"}, 422, [""]),
    "text of control characters": ({"text": "\x00\x01"}, 422, [""]),
    "no text": ({"id": SECRET}, 422, ["/text"]),
    "text null": ({"text": None}, 422, ["/text"]),
    "10,001 characters": ({"text": SECRET + "a" * (10_001 - len(SECRET))}, 422, ["/text"]),
    "text a number": ({"text": 5}, 422, ["/text"]),
    "text a list": ({"text": [SECRET]}, 422, ["/text"]),
    "author a list": ({"text": SECRET, "author": []}, 422, ["/author"]),
    "followers negative": ({"text": SECRET, "author": {"followers": -1}}, 422, ["/author/followers"]),
    "followers a word": ({"text": SECRET, "author": {"followers": "many"}}, 422, ["/author/followers"]),
    "followers with a fraction": ({"text": SECRET, "author": {"followers": 1.5}}, 422, ["/author/followers"]),
    "followers NaN": (f'{{"text": "{SECRET}", "author": {{"followers": NaN}}}}', 422, ["/author/followers"]),
    "followers endless": (f'{{"text": "{SECRET}", "author": {{"followers": 1e999}}}}', 422, ["/author/followers"]),
    "received_at NaN": (f'{{"text": "{SECRET}", "received_at": NaN}}', 422, ["/received_at"]),
    "received_at a huge number": ({"text": SECRET, "received_at": 1e300}, 422, ["/received_at"]),
    "received_at in year 1": ({"text": SECRET, "received_at": "0001-01-01T00:00:00Z"}, 422, ["/received_at"]),
    "received_at before year 1": ({"text": SECRET, "received_at": "0001-01-01T00:00:00+14:00"}, 422, ["/received_at"]),
    "received_at in year 9999": ({"text": SECRET, "received_at": "9999-12-31T23:59:59-12:00"}, 422, ["/received_at"]),
    "received_at no time": ({"text": SECRET, "received_at": "yesterday"}, 422, ["/received_at"]),
    "unknown field": ({"text": SECRET, "chanel": "x"}, 422, ["/chanel"]),
    "unknown field inside": ({"text": SECRET, "author": {"nickname": "l"}}, 422, ["/author/nickname"]),
    "unknown field with a slash": ({"text": SECRET, "a/b~c": 1}, 422, ["/a~1b~0c"]),
    "unknown channel": ({"text": SECRET, "channel": "myspace"}, 422, ["/channel"]),
    "unknown visibility": ({"text": SECRET, "visibility": "secret"}, 422, ["/visibility"]),
    "unknown brand": ({"text": SECRET, "brand": "nobody"}, 422, ["/brand"]),
    "brand of another folder": ({"text": SECRET, "brand": "../demo"}, 422, ["/brand"]),
    "id of 501 characters": ({"text": SECRET, "id": "i" * 501}, 422, ["/id"]),
    "role of a turn": (
        {"text": SECRET, "thread": [{"role": "customer", "text": "a"}, {"role": "bot", "text": "b"}]}, 422, ["/thread/1/role"],
    ),
    "turn without text": ({"text": SECRET, "thread": [{"role": "customer"}]}, 422, ["/thread/0/text"]),
    "turn too long": ({"text": SECRET, "thread": [{"role": "brand", "text": "a" * 10_001}]}, 422, ["/thread/0/text"]),
    "101 turns": ({"text": SECRET, "thread": [{"role": "customer", "text": "a"}] * 101}, 422, ["/thread"]),
    "21 attachments": ({"text": SECRET, "attachments": [{"kind": "image"}] * 21}, 422, ["/attachments"]),
    "metadata that is no text": ({"text": SECRET, "metadata": {"n": 1}}, 422, ["/metadata/n"]),
    "tone of nobody": ({"text": SECRET, "options": {"tone": "angry"}}, 422, ["/options/tone"]),
    "four alternatives": ({"text": SECRET, "options": {"alternatives": 4}}, 422, ["/options/alternatives"]),
    "a list": ([{"text": SECRET}], 422, [""]),
    "a string": (json.dumps(SECRET), 422, [""]),
    "null": ("null", 422, [""]),
    "nothing at all": ("", 422, [""]),
    "not JSON": (f'{{"text": "{SECRET}"', 400, []),
    "two values": (f'{{"text": "{SECRET}"}} {{}}', 400, []),
    "single quotes": (f"{{'text': '{SECRET}'}}", 400, []),
    "not UTF-8": (b'{"text": "' + SECRET.encode() + b' \xff\xfe"}', 400, []),
    "a number of 5,000 digits": (f'{{"text": "{SECRET}", "author": {{"followers": {"9" * 5_000}}}}}', 400, []),
}  # fmt: skip


def sent(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


@pytest.mark.parametrize("body", TRIAGED.values(), ids=TRIAGED.keys())
async def test_odd_but_readable_input_is_triaged(client: httpx.AsyncClient, body: Any) -> None:
    response = await client.post("/v1/triage", content=sent(body), headers=JSON)
    assert response.status_code == 200, response.text[:500]
    triage = Triage.model_validate(response.json())
    stored = await client.get(f"/v1/triages/{triage.id}")
    assert stored.content == response.content
    assert triage.draft is not None
    assert all(check.passed for check in triage.draft.checks), triage.draft


@pytest.mark.parametrize(("body", "status", "pointers"), REFUSED.values(), ids=REFUSED.keys())
async def test_wrong_input_is_a_problem_that_names_the_field(
    client: httpx.AsyncClient, wrong: Any, body: Any, status: int, pointers: list[str]
) -> None:
    response = await client.post("/v1/triage", content=sent(body), headers=JSON)
    problem = wrong(response)
    assert response.status_code == status, problem
    assert [error["pointer"] for error in problem.get("errors", [])] == pointers
    assert SECRET not in response.text


@pytest.mark.parametrize("depth", [100, 300, 450, 495, 600, 900, 980, 1_000, 5_000, 100_000])
@pytest.mark.parametrize("shape", [nested, lists])
async def test_deep_nesting_is_a_problem(client: httpx.AsyncClient, wrong: Any, shape: Any, depth: int) -> None:
    response = await client.post("/v1/triage", content=shape(depth).encode(), headers=JSON)
    wrong(response)
    assert response.status_code in (400, 422)
    assert SECRET not in response.text


async def test_empty_text_beside_an_attachment_asks_or_escalates(client: httpx.AsyncClient) -> None:
    body = {"text": "", "attachments": [{"kind": "image", "url": "https://cdn.example/1.jpg"}], "channel": "messenger"}
    answer = (await client.post("/v1/triage", json=body)).json()
    assert answer["draft"]["action"] == "ask" or answer["escalation"]["escalate"]


async def test_a_transcript_is_the_text_where_there_is_none(client: httpx.AsyncClient) -> None:
    body = {"text": "", "attachments": [{"kind": "audio", "transcript": "Wie lange dauert die Lieferung nach Österreich?"}]}
    answer = (await client.post("/v1/triage", json=body)).json()
    assert answer["understanding"]["language"]["code"] == "de"
    assert answer["context"]["passages"][0]["id"] == "faq-delivery-times-de"


async def test_every_wrong_field_is_named(client: httpx.AsyncClient, wrong: Any) -> None:
    body = {"text": 5, "channel": "myspace", "thread": [{"role": "bot", "text": "a"}], "nonsense": True}
    problem = wrong(await client.post("/v1/triage", json=body))
    assert {error["pointer"] for error in problem["errors"]} == {"/text", "/channel", "/thread/0/role", "/nonsense"}


async def test_an_unknown_brand_says_which_there_are(client: httpx.AsyncClient, wrong: Any) -> None:
    problem = wrong(await client.post("/v1/triage", json={"text": SECRET, "brand": "nobody"}))
    assert "demo" in problem["detail"]


async def test_an_unknown_name_of_a_field_does_not_swell_the_answer(client: httpx.AsyncClient, wrong: Any) -> None:
    response = await client.post("/v1/triage", json={"text": SECRET, "k" * 900_000: 1})
    wrong(response)
    assert response.status_code == 422
    assert len(response.content) < 10_000


async def test_ten_thousand_wrong_fields_do_not_swell_the_answer(client: httpx.AsyncClient, wrong: Any) -> None:
    response = await client.post("/v1/triage", json={"text": SECRET} | {f"k{n}": 1 for n in range(10_000)})
    wrong(response)
    assert response.status_code == 422
    assert len(response.content) < 50_000


GOOD = json.dumps({"text": f"{SECRET}?"}).encode()


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "", "json", ";;"],
)
async def test_another_content_type_is_refused(client: httpx.AsyncClient, wrong: Any, kind: str) -> None:
    response = await client.post("/v1/triage", content=GOOD, headers={"content-type": kind})
    assert response.status_code == 415
    assert "application/json" in wrong(response)["detail"]
    assert SECRET not in response.text


async def test_no_content_type_is_refused(client: httpx.AsyncClient, wrong: Any) -> None:
    response = await client.post("/v1/triage", content=GOOD)
    assert "content-type" not in response.request.headers
    assert response.status_code == 415
    assert "missing" in wrong(response)["detail"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/json;"])
async def test_a_content_type_with_a_parameter_is_json_too(client: httpx.AsyncClient, kind: str) -> None:
    response = await client.post("/v1/triage", content=GOOD, headers={"content-type": kind})
    assert response.status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
async def test_a_compressed_body_is_refused(client: httpx.AsyncClient, wrong: Any, encoding: str) -> None:
    response = await client.post("/v1/triage", content=zlib.compress(GOOD), headers=JSON | {"content-encoding": encoding})
    assert response.status_code == 415
    assert "compressed" in wrong(response)["detail"]


async def test_a_body_over_a_mebibyte_is_refused_by_its_declared_length(client: httpx.AsyncClient, wrong: Any) -> None:
    response = await client.post("/v1/triage", content=b" " * 1_048_577, headers=JSON)
    assert response.request.headers["content-length"] == "1048577"
    assert response.status_code == 413
    assert "1048576" in wrong(response)["detail"]


async def test_a_body_over_a_mebibyte_is_refused_without_a_declared_length(client: httpx.AsyncClient, wrong: Any) -> None:
    pulled = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pulled
        for _ in range(1_000):
            pulled += 65_536
            yield b" " * 65_536

    response = await client.post("/v1/triage", content=endless(), headers=JSON)
    assert "content-length" not in response.request.headers
    assert response.status_code == 413
    wrong(response)
    assert pulled <= 2 * 1_048_576, "the rest of the body was read"


async def test_a_body_of_exactly_a_mebibyte_is_read(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/triage", content=GOOD.ljust(1_048_576), headers=JSON)
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/triage", 405),
        ("DELETE", "/v1/triage", 405),
        ("PUT", "/v1/triage", 405),
        ("PATCH", "/v1/triage", 405),
        ("OPTIONS", "/v1/triage", 405),
        ("DELETE", "/v1/triages/tri_1/feedback", 405),
        ("POST", "/v1/triages/tri_1", 405),
        ("POST", "/livez", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/nothing", 404),
        ("POST", "/v1/nothing", 404),
        ("GET", "/v1/triages/", 404),
        ("GET", "/v1/triages/a/b", 404),
        ("GET", "/..%2f..%2fetc/passwd", 404),
        ("GET", "/%00", 404),
        ("BREW", "/v1/triage", 405),
    ],
)
async def test_another_method_or_path_is_a_problem(
    client: httpx.AsyncClient, wrong: Any, method: str, path: str, status: int
) -> None:
    body = {"content": GOOD, "headers": JSON} if method in ("POST", "PUT", "PATCH") else {}
    response = await client.request(method, path, **body)
    assert response.status_code == status
    wrong(response)
    if status == 405:
        assert response.headers["allow"]


async def test_a_path_with_a_long_id_is_a_problem(client: httpx.AsyncClient, wrong: Any) -> None:
    response = await client.get("/v1/triages/" + "t" * 5_000)
    assert response.status_code in (404, 422)
    wrong(response)


@pytest.mark.parametrize("given", ["x" * 101, "a b", "<script>", "\u00e9", ""])
async def test_an_odd_request_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    response = await client.get("/livez", headers={"x-request-id": given.encode()})
    assert response.headers["x-request-id"] != given
    assert response.headers["x-request-id"].isalnum()


async def test_a_request_id_comes_back(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/triages/none", headers={"x-request-id": "req-1.a:b"})
    assert response.headers["x-request-id"] == response.json()["request_id"] == "req-1.a:b"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
    | st.text(alphabet=st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010, categories=None), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
turns = st.fixed_dictionaries({}, optional={"role": st.sampled_from(["customer", "brand", "bot"]) | anything,
                                            "text": st.text(max_size=60) | anything, "at": anything})  # fmt: skip
words = st.sampled_from(
    ["Wo bleibt mein Paket?", "where is A-1001", "merci !!", "tack ❤️", "¿dónde está?", "ik wil een mens spreken", ""]
) | st.text(max_size=80)  # fmt: skip
almost = st.fixed_dictionaries(
    {"text": words},
    optional={
        "id": st.text(max_size=20) | anything,
        "brand": st.sampled_from(["demo", "nobody"]) | anything,
        "channel": st.sampled_from(["x", "instagram", "sms", "email", "google_review", "fax"]) | anything,
        "visibility": st.sampled_from(["public", "private"]) | anything,
        "author": st.fixed_dictionaries({}, optional={
            "handle": st.sampled_from(["@lena", "@lena_v", ""]) | anything, "name": st.text(max_size=20) | anything,
            "customer_id": st.sampled_from(["C-1042", "C-1043"]) | anything, "followers": st.integers() | anything,
        }) | anything,
        "thread": st.lists(turns, max_size=4) | anything,
        "attachments": st.lists(st.fixed_dictionaries({"kind": st.text(max_size=8)}, optional={"transcript": words})) | anything,
        "language": st.sampled_from(["de", "xx", "en-GB"]) | anything,
        "received_at": st.datetimes().map(str) | anything,
        "metadata": st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3) | anything,
        "options": st.fixed_dictionaries({}, optional={
            "draft": st.booleans() | anything, "tone": st.sampled_from(["formal", "brief"]) | anything,
        }) | anything,
    },
)  # fmt: skip
good = st.fixed_dictionaries(
    {"text": words.filter(lambda text: text.strip()), "channel": st.sampled_from(["x", "instagram", "sms", "email", "tiktok"])},
    optional={
        "author": st.fixed_dictionaries({}, optional={
            "customer_id": st.sampled_from(["C-1042", "C-9"]), "name": st.text(max_size=20),
        }),
        "thread": st.lists(st.fixed_dictionaries({"role": st.sampled_from(["customer", "brand"]), "text": words}), max_size=3),
        "options": st.fixed_dictionaries({}, optional={"tone": st.sampled_from(["warm", "neutral", "formal", "brief"])}),
    },
)  # fmt: skip


@given(body=good | almost | anything)
@settings(max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
async def test_any_json_is_triaged_or_refused(client: httpx.AsyncClient, wrong: Any, body: Any) -> None:
    response = await client.post("/v1/triage", content=json.dumps(body).encode(), headers=JSON)
    if response.status_code == 200:
        Triage.model_validate(response.json())
    else:
        wrong(response)
        assert response.status_code in (400, 422), response.text
