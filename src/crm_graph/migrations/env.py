"""Alembic's environment: called by `crm_graph.migrations` with a connection, never from an alembic.ini."""

import importlib
from collections.abc import Iterable

from alembic import context
from alembic.operations import MigrationScript
from alembic.operations.ops import (
    CreateForeignKeyOp,
    CreateTableOp,
    DowngradeOps,
    DropConstraintOp,
    ExecuteSQLOp,
    UpgradeOps,
)
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from crm_graph.migrations import kept_sums

LOCK_TIMEOUT = "5s"


def complete(
    migration: MigrationContext,
    _revision: str | Iterable[str | None] | Iterable[str],
    directives: list[MigrationScript],
) -> None:
    """What autogeneration leaves out: references that go in circles, triggers that keep history and sums."""
    tables = SQLModel.metadata.tables
    for script in directives:
        upgrade, downgrade = script.upgrade_ops, script.downgrade_ops
        assert isinstance(upgrade, UpgradeOps)
        assert isinstance(downgrade, DowngradeOps)
        created = [operation.table_name for operation in upgrade.ops if isinstance(operation, CreateTableOp)]
        for name in created:
            for constraint in sorted(tables[name].foreign_key_constraints, key=lambda c: str(c.name)):
                if constraint.use_alter:
                    upgrade.ops.append(CreateForeignKeyOp.from_constraint(constraint))
                    downgrade.ops.insert(0, DropConstraintOp.from_constraint(constraint))
            tracked = name.removesuffix("_history")
            if tracked != name and tracked in tables:
                upgrade.ops.append(ExecuteSQLOp(f"SELECT crm_keep_history('{tracked}')"))
        assert migration.connection is not None
        upgrade.ops += [ExecuteSQLOp(statement) for statement in kept_sums.statements(migration.connection)]


MODULES = (
    "crm_graph.schema",
    "crm_graph.auth.tables",
    "crm_graph.auth.proofs.tables",
    "crm_graph.auth.oauth.tables",
    "crm_graph.auth.people.tables",
    "crm_graph.auth.upstream.tables",
    "crm_graph.plan.writes.record_tables",
    "crm_graph.imports.tables",
    "crm_graph.jobs.timer_table",
    "crm_graph.mail.tables",
    "crm_graph.resolvers.suggestions.tables",
)
"""What declares tables."""


def run(connection: Connection) -> None:
    for module in MODULES:
        importlib.import_module(module)
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        compare_type=True,
        compare_server_default=False,
        transaction_per_migration=True,
        process_revision_directives=complete,
    )
    # A migration that waits for a lock holds up everybody behind it: give up early, and be run again.
    connection.execute(text("SELECT set_config('lock_timeout', :value, false)"), {"value": LOCK_TIMEOUT})
    connection.commit()
    with context.begin_transaction():
        context.run_migrations()
    # Whatever a migration made, by hand or not: a table of an organisation's rows is isolated, or nobody works on it.
    if connection.scalar(text("SELECT to_regprocedure('crm_isolate_all()')")) is not None:
        connection.execute(text("SELECT crm_isolate_all()"))
    connection.commit()


run(context.config.attributes["connection"])
