"""The documents name what there is: every setting, route, exit code's command, metric and relative link."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from service import telemetry
from service.app import create_app
from service.brands import Contact, HelpLine, Identity, Retention, Topic, Voice
from service.errors import FirstReplyError
from service.escalate.policy import Policy
from service.settings import Settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
TO_COME = {"bench.md", "samples.md"}  # written by `make bench` and by the samples' own script
_ROW = re.compile(r"^\| `FIRSTREPLY_(\w+)` \| (?:`(.*?)`)? ?\| (.*) \|$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\((?!https?://|#)([^)#\s]+)")


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_configuration_has_a_row_for_every_setting_with_its_default_and_its_reason() -> None:
    written = {name: (default, text) for name, default, text in _ROW.findall(read("configuration.md"))}
    fields = Settings.model_fields.items()
    assert written == {name.upper(): (_as_set(field.default), field.description) for name, field in fields}


def _as_set(value: object) -> str:
    """A default as one would write it into the environment."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_every_setting_has_a_description() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_api_names_every_route_and_no_other(tmp_path: Path) -> None:
    described = create_app(Settings(data_dir=tmp_path)).openapi()["paths"]
    there = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    named = set(re.findall(r"^## ((?:GET|POST|PUT|DELETE|PATCH) /\S+)", read("api.md"), re.MULTILINE))
    assert named | {"GET /livez", "GET /readyz", "GET /metrics"} == there
    assert all(f"`{path}`" in read("api.md") for path in ("/livez", "/readyz", "/metrics", "/docs", "/openapi.json"))


def test_api_names_every_problem_of_a_request() -> None:
    def below(kind: type[FirstReplyError]) -> set[type[FirstReplyError]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    kinds = {f"| {error.status} | `{error.problem}`" for error in below(FirstReplyError) if error.problem != "not-usable"}
    text = read("api.md")
    assert [kind for kind in sorted(kinds) if kind not in text] == []


@pytest.mark.parametrize("model", [Identity, Contact, HelpLine, Retention, Voice, Topic, Policy], ids=lambda m: m.__name__)
def test_brand_names_every_key_of_a_brands_files(model: type[Identity]) -> None:
    text = read("brand.md")
    assert [name for name in model.model_fields if f"`{name}`" not in text] == []


def test_operations_names_every_metric_of_ours() -> None:
    text = read("operations.md")
    ours = {
        name.removesuffix("_created")
        for family in REGISTRY.collect()
        for name in [family.name]
        if family.name.startswith(("triage_", "http_", "writer_"))
    }
    assert ours, telemetry.__name__
    assert [name for name in sorted(ours) if f"`{name}" not in text] == []


@pytest.mark.parametrize(
    "path", [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "knowledge/examples/README.md"], ids=lambda p: p.name
)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    links = [link for link in _LINK.findall(path.read_text(encoding="utf-8")) if Path(link).name not in TO_COME]
    assert [link for link in links if not (path.parent / link).exists()] == []
