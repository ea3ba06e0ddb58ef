"""Organisations apart: row-level security on every table of an organisation's rows, for roles that own nothing."""

from alembic import op

from crm_graph.migrations.script import execute_script, functions_sql

revision = "202611221000"
down_revision = "202611220920"
branch_labels = None
depends_on = None

ROLES = 'crm_graph_runtime, crm_graph_reader, crm_graph_bound_reader'


def upgrade() -> None:
    execute_script(functions_sql())
    execute_script(functions_sql('crm_graph.auth'))
    op.execute('REVOKE CREATE ON SCHEMA public FROM PUBLIC')
    op.execute(f'GRANT USAGE ON SCHEMA public TO {ROLES}')
    # which release this is, anybody may know who gets in: a process asks before it takes a role
    op.execute('GRANT SELECT ON alembic_version TO PUBLIC')
    op.execute('SELECT crm_isolate_all()')


def downgrade() -> None:
    op.execute("""
        DO $$
        DECLARE
            policy record;
        BEGIN
            FOR policy IN
                SELECT polname, polrelid::regclass AS isolated FROM pg_policy
                 WHERE polname IN ('crm_organization', 'crm_reader', 'crm_owner')
            LOOP
                EXECUTE format('DROP POLICY %I ON %s', policy.polname, policy.isolated);
                EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY', policy.isolated);
                EXECUTE format('REVOKE ALL ON %s FROM crm_graph_runtime, crm_graph_reader, crm_graph_bound_reader',
                               policy.isolated);
            END LOOP;
        END
        $$
    """)
    op.execute('REVOKE SELECT ON alembic_version FROM PUBLIC')
    op.execute(f'REVOKE USAGE ON SCHEMA public FROM {ROLES}')
    for name in ('crm_organization_of_token', 'crm_organization_of_host', 'crm_isolate_all', 'crm_isolate',
                 'crm_organization'):
        op.execute(f'DROP FUNCTION {name}')
