"""What is remembered of every import: the run, and each row it wrote or refused."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel

_STAMP = sa.TIMESTAMP(timezone=True)

import_runs = sa.Table(
    "import_runs",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("files", JSONB, nullable=False),
    sa.Column("actor_id", sa.Uuid),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("counts", JSONB, nullable=False),
    sa.Column("started_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Column("ended_at", _STAMP),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_import_runs_organization"),
    sa.CheckConstraint("status IN ('STARTED', 'FINISHED', 'UNDONE')", name="ck_import_runs_status"),
)
"""A run that is still `STARTED` after its process is gone was interrupted: run the same command again."""

import_rows = sa.Table(
    "import_rows",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("run_id", sa.Uuid, nullable=False),
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("effect", sa.Text, nullable=False),
    sa.Column("external_id", sa.Text),
    sa.Column("row_id", sa.Uuid),
    sa.Column("version", sa.Integer),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("errors", JSONB),
    sa.ForeignKeyConstraint(
        ["organization_id", "run_id"],
        ["import_runs.organization_id", "import_runs.id"],
        name="fk_import_rows_run_id",
        ondelete="CASCADE",
    ),
    sa.CheckConstraint("effect IN ('created', 'updated', 'refused')", name="ck_import_rows_effect"),
    sa.Index("ix_import_rows_run_id", "organization_id", "run_id", "row_id"),
)
"""One row written by a run, with the version it left, or refused by it; rows it found unchanged are only counted."""
