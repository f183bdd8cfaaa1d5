"""`firstreply orders import` as a person meets it."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]
EXPORTS = Path(__file__).parents[1] / "order_files" / "exports"
ORDER = {"order_id": "B-1", "customer_id": "C-1", "status": "placed"}


pytestmark = pytest.mark.sqlite  # it looks at the file; tests/records/test_purchases.py is on both databases


def written(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def said(done: CompletedProcess[str], code: int) -> list[str]:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()


def stored(data_dir: Path, brand: str) -> dict[str, str]:
    with closing(sqlite3.connect(data_dir / "firstreply.db")) as database:
        rows = database.execute("SELECT order_id, json_extract(data, '$.status') FROM orders WHERE brand = ?", (brand,))
        return dict(rows.fetchall())


def test_a_shops_export_is_imported_with_its_customers_and_asked_about_by_its_number(run: Run, data_dir: Path) -> None:
    export = EXPORTS / "shopify.csv"
    report = said(run("orders", "import", export, "--brand", "hearth", data_dir=data_dir), 1)
    assert f"{export}: line 9: order #1006: fulfillment status 'fulfild' is not known: did you mean 'fulfilled'?" in report
    assert report[-2:] == [
        "customers: 4 added, 0 changed, 0 unchanged, 0 refused", "orders: 5 added, 0 changed, 0 unchanged, 1 refused",
    ]  # fmt: skip
    again = said(run("orders", "import", export, "--brand", "hearth", "--format", "shopify", data_dir=data_dir), 1)
    assert again[-1] == "orders: 0 added, 0 changed, 5 unchanged, 1 refused"
    for text, found in (("where is order #1001?", ["1001"]), ("where is order #1002?", [])):  # 1002 is somebody else's
        asked = ("--customer", "mette.kvist@mail.example", "--brand", "hearth", "--json")
        shown = json.loads(run("triage", text, *asked, data_dir=data_dir).stdout)["context"]["orders"]
        assert [order["order_id"] for order in shown] == found


def test_orders_of_unknown_customers_are_refused_with_both_ids(run: Run, data_dir: Path, tmp_path: Path) -> None:
    people = written(tmp_path / "people.jsonl", {"customer_id": "C-1", "name": "Ada"})
    orders = written(tmp_path / "orders.jsonl", ORDER, ORDER | {"order_id": "B-2", "customer_id": "C-404"})
    report = said(run("orders", "import", orders, "--customers", people, "--brand", "shop", data_dir=data_dir), 1)
    assert f"{orders}: line 2: order B-2: there is no customer C-404: put the customer first" in report
    assert stored(data_dir, "shop") == {"B-1": "placed"}


def test_customers_come_as_a_table_too_and_a_bad_row_is_named(run: Run, data_dir: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text(
        "E-Mail;Customer Name;Customer ID;Handle Instagram;VIP;Shoe\n"
        "ada@mail.example;Ada;C-1;@ada;yes;39\n;Bo;;;;\n;Cy;C-3;;perhaps;\n",
        encoding="utf-8",
    )  # fmt: skip
    orders = written(tmp_path / "orders.jsonl", ORDER, ORDER | {"order_id": "B-2", "customer_id": "C-3"})
    report = said(run("orders", "import", orders, "--customers", people, "--brand", "shop", data_dir=data_dir), 1)
    assert report == [
        f"{people}: column 'e_mail' is not read: did you mean 'email'?",
        f"{people}: column 'shoe' is not read",
        f"{people}: line 3: customer_id: is missing",
        f"{people}: line 4: vip: 'perhaps' is neither yes nor no",
        f"{orders}: line 2: order B-2: there is no customer C-3: put the customer first",
        "customers: 1 added, 0 changed, 0 unchanged, 2 refused",
        "orders: 1 added, 0 changed, 0 unchanged, 1 refused",
    ]
    assert stored(data_dir, "shop") == {"B-1": "placed"}
    with closing(sqlite3.connect(data_dir / "firstreply.db")) as database:
        handles = database.execute("SELECT channel, handle, customer_id FROM handles WHERE brand = 'shop'").fetchall()
    assert handles == [("instagram", "ada", "C-1")]
    people.write_text("customer_id\nC-3\n", encoding="utf-8")
    again = said(run("orders", "import", orders, "--customers", people, "--brand", "shop", data_dir=data_dir), 0)
    assert again[-2:] == [
        "customers: 1 added, 0 changed, 0 unchanged, 0 refused", "orders: 1 added, 0 changed, 1 unchanged, 0 refused",
    ]  # fmt: skip


def test_a_dry_run_tells_and_writes_nothing(run: Run, data_dir: Path, tmp_path: Path) -> None:
    people = written(tmp_path / "people.jsonl", {"customer_id": "C-1"})
    orders = written(tmp_path / "orders.jsonl", ORDER, ORDER | {"order_id": "B-2"})
    words = ("orders", "import", orders, "--customers", people, "--brand", "shop")
    tried = said(run(*words, "--dry-run", data_dir=data_dir), 0)
    assert "orders: 2 added, 0 changed, 0 unchanged, 0 refused" in tried
    assert tried[-1] == "tried only: nothing was written"
    assert stored(data_dir, "shop") == {}
    run(*words, data_dir=data_dir)
    written(tmp_path / "orders.jsonl", ORDER, ORDER | {"order_id": "B-2", "status": "lost"}, ORDER | {"order_id": "B-3"})
    assert "orders: 1 added, 1 changed, 1 unchanged, 0 refused" in said(run(*words, "--dry-run", data_dir=data_dir), 0)
    assert stored(data_dir, "shop") == {"B-1": "placed", "B-2": "placed"}


def test_a_format_nobody_knows_is_wrong_usage(run: Run, data_dir: Path, tmp_path: Path) -> None:
    done = run("orders", "import", written(tmp_path / "o.jsonl", ORDER), "--format", "magento", data_dir=data_dir)
    assert done.returncode == 2
    assert done.stderr == "firstreply: --format magento: write one of auto, jsonl, csv, shopify, woocommerce\n"


def test_an_import_that_is_killed_leaves_the_old_orders_whole(
    environment: Callable[..., dict[str, str]], command: list[str], run: Run, data_dir: Path, tmp_path: Path
) -> None:
    people = written(tmp_path / "people.jsonl", {"customer_id": "C-1"})
    old = [ORDER | {"order_id": f"B-{n}"} for n in range(2_000)]
    words = ("--customers", str(people), "--brand", "shop")
    said(run("orders", "import", written(tmp_path / "old.jsonl", *old), *words, data_dir=data_dir), 0)
    before = stored(data_dir, "shop")
    new = written(tmp_path / "new.jsonl", *(ORDER | {"order_id": f"B-{n}", "status": "lost"} for n in range(40_000)))
    journal, size = data_dir / "firstreply.db-wal", 0
    process = subprocess.Popen(
        [*command, "orders", "import", str(new), *words], env=environment(data_dir), stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 100
    while process.poll() is None and time.monotonic() < until:
        if journal.exists() and journal.stat().st_size > 300_000:  # it is writing
            size = journal.stat().st_size
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.001)
    assert process.wait(timeout=30) == -signal.SIGKILL, "it was through before it could be killed"
    assert size
    assert stored(data_dir, "shop") == before
    assert "orders: 38000 added, 2000 changed" in said(run("orders", "import", new, *words, data_dir=data_dir), 0)[-1]
