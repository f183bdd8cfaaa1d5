"""Health, metrics, the API description and its page."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from service import __version__

OPERATIONS = {
    ("post", "/v1/triage"): {"200", "400", "401", "413", "415", "422", "503"},
    ("post", "/v1/triage/stream"): {"200", "400", "401", "413", "415", "422", "503"},
    ("post", "/v1/messages"): {"202", "400", "401", "409", "413", "415", "422", "503"},
    ("get", "/v1/messages/{message_id}"): {"200", "401", "404", "422", "503"},
    ("post", "/v1/webhooks/standard/{connection}"): {"202", "400", "401", "404", "409", "413", "415", "422", "503"},
    ("get", "/v1/triages"): {"200", "401", "422", "503"},
    ("get", "/v1/triages/{triage_id}/explain"): {"200", "401", "404", "422", "503"},
    ("get", "/v1/dead-letters"): {"200", "401", "422", "503"},
    ("post", "/v1/dead-letters/{message_id}/replay"): {"202", "401", "404", "409", "422", "503"},
    ("get", "/v1/deliveries"): {"200", "401", "422", "503"},
    ("post", "/v1/deliveries/{delivery_id}/retry"): {"202", "401", "404", "422", "503"},
    ("get", "/v1/triages/{triage_id}"): {"200", "401", "404", "422", "503"},
    ("post", "/v1/triages/{triage_id}/redraft"): {"201", "400", "401", "404", "409", "413", "415", "422", "503"},
    ("get", "/v1/triages/{triage_id}/drafts"): {"200", "401", "404", "422", "503"},
    ("post", "/v1/triages/{triage_id}/translate"): {"200", "400", "401", "404", "409", "413", "415", "422", "503"},
    ("post", "/v1/triages/{triage_id}/feedback"): {"201", "400", "401", "404", "413", "415", "422", "503"},
    ("get", "/v1/triages/{triage_id}/feedback"): {"200", "401", "404", "422", "503"},
    ("get", "/v1/conversations/{conversation_id}"): {"200", "401", "404", "422", "503"},
    ("post", "/v1/conversations/{conversation_id}/claim"): {"200", "400", "401", "404", "409", "413", "415", "422", "503"},
    ("post", "/v1/conversations/{conversation_id}/answer"): {"200", "400", "401", "404", "409", "413", "415", "422", "503"},
    ("post", "/v1/conversations/{conversation_id}/resolve"): {"200", "400", "401", "404", "409", "413", "415", "422", "503"},
    ("post", "/v1/conversations/{conversation_id}/reopen"): {"200", "400", "401", "404", "409", "413", "415", "422", "503"},
    ("put", "/v1/knowledge/faqs/{faq_id}"): {"200", "201", "400", "401", "409", "413", "415", "422", "503"},
    ("get", "/v1/knowledge/faqs/{faq_id}"): {"200", "401", "404", "422", "503"},
    ("delete", "/v1/knowledge/faqs/{faq_id}"): {"204", "401", "404", "409", "422", "503"},
    ("post", "/v1/knowledge/import"): {"200", "400", "401", "413", "415", "422", "503"},
    ("get", "/v1/knowledge/search"): {"200", "401", "422", "503"},
    ("put", "/v1/orders/{order_id}"): {"200", "201", "400", "401", "413", "415", "422", "503"},
    ("get", "/v1/orders/{order_id}"): {"200", "401", "404", "422", "503"},
    ("delete", "/v1/orders/{order_id}"): {"204", "401", "404", "422", "503"},
    ("post", "/v1/orders/import"): {"200", "400", "401", "413", "415", "422", "503"},
    ("put", "/v1/customers/{customer_id}"): {"200", "201", "400", "401", "413", "415", "422", "503"},
    ("get", "/v1/customers/{customer_id}"): {"200", "401", "404", "422", "503"},
    ("delete", "/v1/customers/{customer_id}"): {"200", "401", "404", "422", "503"},
    ("delete", "/v1/customers"): {"200", "401", "404", "409", "422", "503"},
    ("get", "/livez"): {"200"},
    ("get", "/readyz"): {"200", "503"},
    ("get", "/metrics"): {"200"},
}


OF_A_KEY = {"403", "429"}  # declared beside them by every operation that takes a key


async def test_livez_answers(client: httpx.AsyncClient) -> None:
    response = await client.get("/livez")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_readyz_names_each_check(client: httpx.AsyncClient) -> None:
    response = await client.get("/readyz")
    assert response.status_code == 200
    checks = dict.fromkeys(("records", "brands", "embedder", "index", "policies"), "ok")
    assert response.json() == {"status": "ok", "checks": checks}


async def test_metrics_count_triages_and_time_requests(client: httpx.AsyncClient) -> None:
    await client.post("/v1/triage", json={"text": "I want to speak to a real person, now"})
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    for name in (
        'http_server_request_duration_seconds_bucket{le="0.001",method="POST",route="/v1/triage",status="200"}',
        'triage_stage_duration_seconds_count{stage="embed"}',
        'triage_escalations_total{reason="explicit_human_request"}',
        "triage_retrieval_empty_total",
        "triage_knowledge_passages 876.0",
    ):
        assert name in response.text, name
    assert re.search(r'^triage_messages_total\{escalated="true",label="\w+"\} [1-9]', response.text, re.MULTILINE)


async def test_metrics_hold_no_path_of_an_id(client: httpx.AsyncClient) -> None:
    await client.get("/v1/triages/tri_marker")
    await client.get("/nowhere/marker")
    text = (await client.get("/metrics")).text
    assert 'route="/v1/triages/{triage_id}"' in text
    assert 'route="unmatched"' in text
    assert "marker" not in text


async def test_the_page_of_the_api_needs_no_other_host(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    loaded = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page.text)
    assert len(loaded) >= 2
    assert not [url for url in loaded if re.match(r"(?:https?:)?//", url) and not url.startswith("http://firstreply/")]
    for url in loaded:
        if not url.startswith(("data:", "#")):
            asset = await client.get(str(httpx.URL("http://firstreply/docs").join(url)))
            assert asset.status_code == 200, url
            assert asset.content


@pytest.fixture(scope="session")
async def openapi(client: httpx.AsyncClient) -> dict[str, Any]:
    response = await client.get("/openapi.json")
    assert response.status_code == 200
    described: dict[str, Any] = response.json()
    return described


async def test_the_description_is_openapi_3_1(openapi: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d", openapi["openapi"])
    assert openapi["info"]["title"] == "FirstReply"
    assert openapi["info"]["version"] == __version__
    assert set(openapi) <= {"openapi", "info", "servers", "paths", "components", "tags", "security", "externalDocs"}


async def test_every_route_declares_its_answers(openapi: dict[str, Any]) -> None:
    found = {
        (method, path): set(operation["responses"]) - (OF_A_KEY if "security" in operation else set())
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    }
    assert found == OPERATIONS


async def test_every_operation_is_well_formed(openapi: dict[str, Any]) -> None:
    ids = []
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            ids.append(operation["operationId"])
            assert operation["summary"], (method, path)
            assert all(response["description"] for response in operation["responses"].values())
            named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))
            assert all(p["required"] is True for p in operation.get("parameters", []) if p["in"] == "path")
            if method in ("post", "put") and not path.endswith(("/replay", "/retry")):  # their path says it all
                lines = ["application/x-ndjson"] if path.endswith("/import") else []
                assert list(operation["requestBody"]["content"]) == ["application/json", *lines]
    assert len(ids) == len(set(ids))


async def test_errors_are_described_as_problems_and_nothing_else(openapi: dict[str, Any]) -> None:
    for path, methods in openapi["paths"].items():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if path.startswith("/v1") and int(status) >= 400:
                    assert response["content"] == {
                        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                    }, (path, status)


async def test_every_reference_of_the_description_leads_somewhere(openapi: dict[str, Any]) -> None:
    references: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            references.extend([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(openapi)
    assert "#/components/schemas/Triage" in references
    for reference in references:
        target: Any = openapi
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


async def test_every_operation_of_v1_asks_for_a_key_or_a_signature(openapi: dict[str, Any]) -> None:
    schemes = openapi["components"]["securitySchemes"]
    bearer = [name for name, scheme in schemes.items() if (scheme["type"], scheme["scheme"]) == ("http", "bearer")]
    for path, methods in openapi["paths"].items():
        for operation in methods.values():
            if path.startswith("/v1/webhooks/"):
                assert "signed" in operation["description"]
            elif path.startswith("/v1"):
                assert operation["security"] == [{bearer[0]: []}]
            else:
                assert "security" not in operation
