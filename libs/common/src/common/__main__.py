"""Tools of the bus: `python -m common topics apply`, `python -m common contract [--check]`; see also common.ops."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from common.core.contract import contract_documents
from common.ops import topics_command

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.add_typer(topics_command.app, name="topics")


@app.command()
def contract(
    folder: Annotated[Path, typer.Option(help="where the documents lie")] = Path("docs/contract"),
    *,
    check: Annotated[bool, typer.Option(help="write nothing, fail on a difference")] = False,
) -> None:
    """Write the JSON Schemas and the AsyncAPI document of the events."""
    wanted = contract_documents()
    present = {path.name: path.read_text("utf-8") for path in folder.glob("*.json")}
    if check:
        stale = sorted(name for name in wanted | present if wanted.get(name) != present.get(name))
        if stale:
            typer.echo(f"out of date, run `make contract`: {', '.join(stale)}", err=True)
            sys.exit(1)
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name in present.keys() - wanted.keys():
        (folder / name).unlink()
    for name, content in wanted.items():
        (folder / name).write_text(content, "utf-8")
    typer.echo(f"wrote {len(wanted)} documents to {folder}")


if __name__ == "__main__":
    app()
