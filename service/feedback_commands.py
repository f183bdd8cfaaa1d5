"""`firstreply explain`, and `firstreply feedback export`: what was decided and why, and what is to be learned from feedback."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from service.terminal import fail, say, with_parts, with_records

feedback = typer.Typer(no_args_is_help=True, help="What agents said of drafts: export it to learn from.")


class Form(StrEnum):
    """What feedback is exported as."""

    examples = "examples"
    cases = "cases"
    precedents = "precedents"


@feedback.callback()
def group() -> None:
    """What agents said of drafts: export it to learn from."""


@feedback.command()
def export(
    form: Annotated[Form, typer.Option("--as", help="examples for train, cases for eval run, precedents for knowledge import.")],
    output: Annotated[Path, typer.Option(help="Where to write; what is in the file already stays as it is.")],
    brand: Annotated[str, typer.Option("--brand", help="The brand's name.")] = "demo",
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only feedback given since this day.")] = None,
) -> None:
    """Export what agents accepted and corrected, personal data masked. Read it once: a name that no record knows stays."""
    from service.feedback_export import examples, precedents, write_lines

    moment = since.replace(tzinfo=UTC) if since is not None else None

    async def work(parts: Any) -> tuple[list[Any], int]:
        if brand not in parts.brands:
            fail(f"no brand named {brand!r}; there are: {', '.join(sorted(parts.brands))}")
        if form is Form.cases:
            from evals.recorded import cases

            return await cases(parts, brand, moment)
        return await (examples if form is Form.examples else precedents)(parts, brand, moment)

    found, left = with_parts(work)
    if form is Form.cases:
        from evals.importing import write_suite

        added = write_suite(output, output.stem, found)
    else:
        added = write_lines(output, found)
    say(f"{added} {form} added to {output}, {len(found) - added} there already, {left} triages with nothing to learn")


def explain(
    triage_id: Annotated[str, typer.Argument(help="Id of a recorded triage: tri_…")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer of the API.")] = False,
) -> None:
    """Explain a recorded triage: what came in, what made it, what it rests on, and who did what with it since."""
    from service.explain import explained
    from service.show_explanation import show

    found = with_records(lambda records: explained(records, triage_id))
    if found is None:
        fail(f"no triage {triage_id} is recorded here: see FIRSTREPLY_DATA_DIR and FIRSTREPLY_DATABASE_URL")
    if as_json:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
    else:
        show(found, Console(highlight=False))
