"""access policies by organisation."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from crm_graph.migrations.script import execute_script

revision = "202611220545"
down_revision = "202611220537"
branch_labels = None
depends_on = None

REVISIONS = """
-- What a caller may do depends on data of their organisation. Every change of it gives the organisation a new revision
-- in `access_revisions`, and the notice of that makes every process ask again. A table that belongs to it has
-- `crm_access_changed` as its trigger, for each row, and for each statement on TRUNCATE.
CREATE FUNCTION crm_access_changed() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF TG_LEVEL = 'STATEMENT' THEN
        UPDATE access_revisions SET revision = gen_random_uuid();
    ELSE
        INSERT INTO access_revisions AS r (organization_id, revision)
        VALUES (CASE WHEN TG_OP = 'DELETE' THEN OLD.organization_id ELSE NEW.organization_id END, gen_random_uuid())
        ON CONFLICT (organization_id) DO UPDATE SET revision = excluded.revision;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER crm_forget_callers
    AFTER INSERT OR UPDATE OR DELETE ON access_revisions FOR EACH ROW EXECUTE FUNCTION crm_forget_callers();
CREATE TRIGGER crm_forget_callers_truncate
    AFTER TRUNCATE ON access_revisions FOR EACH STATEMENT EXECUTE FUNCTION crm_forget_callers();

CREATE TRIGGER crm_access_changed
    AFTER INSERT OR UPDATE OR DELETE ON access_policies FOR EACH ROW EXECUTE FUNCTION crm_access_changed();
CREATE TRIGGER crm_access_changed_truncate
    AFTER TRUNCATE ON access_policies FOR EACH STATEMENT EXECUTE FUNCTION crm_access_changed();
"""


def upgrade() -> None:
    op.create_table(
        "access_policies",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("version > 0", name="ck_access_policies_version"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_access_policies_organization"),
        sa.PrimaryKeyConstraint("organization_id", "id"),
    )
    op.create_index("uq_access_policies_version", "access_policies", ["organization_id", "version"], unique=True)
    op.create_table(
        "access_revisions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_access_revisions_organization"),
        sa.PrimaryKeyConstraint("organization_id"),
    )
    execute_script(REVISIONS)


def downgrade() -> None:
    op.drop_table("access_policies")
    op.drop_table("access_revisions")
    op.execute("DROP FUNCTION crm_access_changed")
