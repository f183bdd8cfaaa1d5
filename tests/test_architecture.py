"""The rules of the house, read from the source itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SERVICE = Path(__file__).parent.parent / "service"
FILES = sorted(path for path in SERVICE.rglob("*.py") if "shipped" not in path.parts)
STAGES = ("understand", "retrieve", "escalate", "draft")
LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical", "msg", "log", "bind"}
# Names that hold words of a message, of its author or of a draft; none may be handed to a log call.
SAID = {
    "text", "content", "message", "thread", "transcript", "author", "handle", "evidence", "body", "draft", "public", "private",
    "quote", "request", "metadata", "turn", "given", "query", "texts", "data", "value", "line", "input",
}  # fmt: skip


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return str(path.relative_to(SERVICE))


def imported(module: ast.AST) -> Iterator[str]:
    """Every module that is imported, inside functions too; a name taken from a module counts as a module below it."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def under(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def test_the_source_is_where_these_rules_look() -> None:
    names = {name_of(path) for path in FILES}
    assert {"messages.py", "pipeline.py", "parts.py", "retrieve/orders.py", "http/triage.py", "records/queries.py"} <= names


def test_the_nouns_import_nothing_of_ours() -> None:
    assert not [module for module in imported(tree(SERVICE / "messages.py")) if under(module, "service", "evals")]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_knows_neither_http_nor_records(stage: str) -> None:
    found = [
        (name_of(path), module)
        for path in FILES
        if path.relative_to(SERVICE).parts[0] == stage
        for module in imported(tree(path))
        if under(module, "service.http", "service.records", "service.desk", "service.app", "service.cli", "sqlalchemy")
    ]
    assert not found


def test_the_web_framework_stays_at_the_edge() -> None:
    found = {
        name_of(path)
        for path in FILES
        for module in imported(tree(path))
        if under(module, "fastapi", "starlette", "fastapi_swagger")
    }
    assert found
    assert {name for name in found if not name.startswith(("http/", "desk/"))} == {"app.py"}


def test_only_the_records_speak_sql() -> None:
    found = {
        name_of(path) for path in FILES for module in imported(tree(path)) if under(module, "sqlalchemy", "alembic", "sqlite3")
    }
    assert found
    assert not [name for name in found if not name.startswith("records/")]


def test_the_pipeline_fits_on_a_page() -> None:
    assert len((SERVICE / "pipeline.py").read_text(encoding="utf-8").splitlines()) < 100


def reads(path: Path, owners: set[str], names: set[str]) -> list[tuple[str, int]]:
    """Where a file takes one of `names` off something called `owners`: records.orders, self.records.orders, lookups.orders."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and node.attr in names:
            owner = node.value
            last = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
            if last.lstrip("_") in owners:
                found.append((name_of(path), node.lineno))
    return found


def test_only_one_module_reads_what_belongs_to_a_customer() -> None:
    found = {name for path in FILES for name, _ in reads(path, {"records"}, {"known"})}
    assert found == {"parts.py"}
    called = {
        name_of(path)
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "lookup"
    }
    assert called == {"retrieve/customers.py"}


@pytest.mark.parametrize(("what", "module"), [("orders", "retrieve/orders.py"), ("history", "retrieve/history.py")])
def test_only_one_module_decides_who_sees_what_belongs_to_a_customer(what: str, module: str) -> None:
    found = {name for path in FILES for name, _ in reads(path, {"known"}, {what})}
    assert found == {module}


def test_every_search_of_a_server_passes_the_one_filter() -> None:
    module = tree(SERVICE / "retrieve" / "qdrant_index.py")
    requests = [n for n in ast.walk(module) if isinstance(n, ast.Call) and ast.unparse(n.func).endswith(".client.query_points")]
    filters = [ast.unparse(word.value) for node in requests for word in node.keywords if word.arg == "query_filter"]
    assert filters == ["models.Filter(must=confined)"]
    assert ast.unparse(module).count("index.only_brand(brand, kind)") == 1


def test_every_search_in_the_process_passes_the_one_filter() -> None:
    module = tree(SERVICE / "retrieve" / "embedded_index.py")
    (search,) = [node for node in ast.walk(module) if isinstance(node, ast.AsyncFunctionDef) and node.name == "search"]
    scans = [
        ast.unparse(node)
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and "nearest(" in ast.unparse(node.func) + "("
    ]
    assert scans == ["segment.nearest(vector, limit)"]
    assert scans[0] in ast.unparse(search)
    assert ast.unparse(search).count("index.only_brand(brand, kind)") == 1
    assert ast.unparse(search).count("self._") == 1  # what the filter lets through is all it looks at


def test_only_the_engine_on_a_server_knows_qdrant() -> None:
    found = {name_of(path) for path in FILES for module in imported(tree(path)) if under(module, "qdrant_client")}
    assert found == {f"retrieve/qdrant_{part}.py" for part in ("collections", "faults", "index", "points")}
    searching = [name_of(path) for path in FILES if "query_points" in path.read_text(encoding="utf-8")]
    assert searching == ["retrieve/qdrant_index.py"]


def test_only_the_parts_know_which_engine_is_behind_the_protocol() -> None:
    modules = [f"service.retrieve.{name}" for name in ("embedded_index", "qdrant_index", "qdrant_collections")]
    found = {name_of(path) for path in FILES for module in imported(tree(path)) if under(module, *modules)}
    assert {name for name in found if not name.startswith("retrieve/qdrant_")} == {"parts.py"}


def test_an_order_is_read_by_its_id_only_for_a_caller_with_the_brands_key() -> None:
    found = {name for path in FILES for name, _ in reads(path, {"records"}, {"order", "customer"})}
    assert found == {"http/orders.py"}


def said_in_logs(module: ast.AST) -> list[tuple[int, str]]:
    """Log calls of a module that are handed something that may hold a message's words."""
    found = []
    for node in ast.walk(module):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOG_METHODS):
            continue
        if ast.unparse(node.func.value).lstrip("_") not in {"log", "logger", "structlog.get_logger()", "logging"}:
            continue
        for value in [*node.args, *(word.value for word in node.keywords)]:
            for part in ast.walk(value):
                word = part.id if isinstance(part, ast.Name) else part.attr if isinstance(part, ast.Attribute) else ""
                if word in SAID and ast.unparse(value) != "request.scope.get('request_id')":
                    found.append((node.lineno, ast.unparse(value)))
    return found


def test_no_log_call_is_handed_words_of_a_message() -> None:
    assert not [(name_of(path), *place) for path in FILES for place in said_in_logs(tree(path))]


@pytest.mark.parametrize(
    "call",
    ["log.info('made', text=message.text)", "log.warning(f'bad {body}')", "log.error('x', detail=str(draft.public))"],
)
def test_the_rule_of_logs_finds_what_it_forbids(call: str) -> None:
    assert said_in_logs(ast.parse(call))


def test_log_calls_are_there_to_be_judged() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)
    assert text.count("log.info(") + text.count("log.warning(") + text.count("log.error(") >= 3


def test_nothing_is_printed_but_by_the_command_line() -> None:
    found = [
        (name_of(path), node.lineno)
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not found
