"""Whatever a service asks of Postgres finds its rows by an index, however many rows there come to be."""

import pkgutil
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import pytest
from sqlalchemy import TextClause

import router.edges
import timeline.edges
from common.edges.sessions import Question
from router.wiring import MIGRATIONS as ROUTER
from timeline.wiring import MIGRATIONS as TIMELINE

# Never many rows, or read whole by intent.
FEW = {
    "agent": "the staff, when rules are checked",
    "amendment": "of a month that is erased",
    "change_count": "one row",
    "export_job": "exports that somebody waits for",
    "legal_hold": "holds are few",
    "rules_version": "versions of the rules are few",
    "wake_sweep": "one row",
}
NO_INDEX = re.compile(r"Seq Scan on (\w+)[^\n]*\(cost=\d*0{9}")  # what `enable_seqscan` off adds
EDGES = [("router", ROUTER, router.edges), ("timeline", TIMELINE, timeline.edges)]


@pytest.fixture(params=EDGES, ids=["router", "timeline"])
def service(
    request: pytest.FixtureRequest, make_database: Callable[[Path, str], str]
) -> tuple[str, str, ModuleType]:
    """The URL of a database with a service's schema, the schema's name, and the service's edges."""
    schema, migrations, edges = request.param
    return make_database(migrations, schema), schema, edges


async def test_no_statement_can_only_be_answered_by_reading_a_whole_table(
    service: tuple[str, str, ModuleType],
) -> None:
    url, schema, edges = service
    connection = await asyncpg.connect(
        url,
        server_settings={
            "search_path": schema,
            "madoguchi.tenant": "*",
            "enable_seqscan": "off",
            "plan_cache_mode": "force_generic_plan",
        },
        statement_cache_size=0,
    )
    whole = {
        f"{name} reads all of {table}"
        for name, statement in statements(edges)
        for table in NO_INDEX.findall(await plan(connection, statement))
        if table not in FEW
    }
    await connection.close()
    assert not whole


def statements(edges: ModuleType) -> Iterator[tuple[str, str]]:
    """Yield every statement that stands in a module of these, as Postgres gets it."""
    for found in pkgutil.iter_modules(edges.__path__, f"{edges.__name__}."):
        for name, value in vars(import_module(found.name)).items():
            for one in value.values() if isinstance(value, dict) else [value]:
                if isinstance(one, TextClause | Question) and not str(one).startswith("SET"):
                    yield f"{found.name}.{name}", _sql(one)


def _sql(statement: Any) -> str:
    question = Question.of(statement) if isinstance(statement, TextClause) else statement
    return question.sql


async def plan(connection: asyncpg.Connection, statement: str) -> str:
    """Return how Postgres would answer, whatever the parameters."""
    await connection.execute("DEALLOCATE ALL")
    await connection.execute(f"PREPARE asked AS {statement}")
    count = await connection.fetchval(
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements"
    )
    given = f"({', '.join(['NULL'] * count)})" if count else ""
    return "\n".join(line for (line,) in await connection.fetch(f"EXPLAIN EXECUTE asked{given}"))
