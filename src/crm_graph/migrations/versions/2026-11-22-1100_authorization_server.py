"""The authorization server: apps, consents, codes, families of tokens, keys that sign; and who is told of changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from crm_graph.migrations.script import execute_script, functions_sql

revision = "202611221100"
down_revision = "202611221110"
branch_labels = None
depends_on = None


TRIGGERS = """
-- A new family or app cannot be cached yet. A key that is published no more makes what it signed void.
CREATE TRIGGER crm_forget_callers_update
    AFTER UPDATE OF revoked_at, expires_at, session_id, user_id, client_id ON oauth_families FOR EACH ROW
    EXECUTE FUNCTION crm_forget_callers();
CREATE TRIGGER crm_forget_callers_delete
    AFTER DELETE ON oauth_families FOR EACH ROW EXECUTE FUNCTION crm_forget_callers();
CREATE TRIGGER crm_forget_callers_truncate
    AFTER TRUNCATE ON oauth_families FOR EACH STATEMENT EXECUTE FUNCTION crm_forget_callers();
CREATE TRIGGER crm_forget_callers_update
    AFTER UPDATE OF status, scopes ON oauth_clients FOR EACH ROW
    WHEN ((OLD.status, OLD.scopes) IS DISTINCT FROM (NEW.status, NEW.scopes)) EXECUTE FUNCTION crm_forget_callers();
CREATE TRIGGER crm_forget_callers_delete
    AFTER DELETE ON oauth_clients FOR EACH ROW EXECUTE FUNCTION crm_forget_callers();
CREATE TRIGGER crm_forget_callers_truncate
    AFTER TRUNCATE ON oauth_clients FOR EACH STATEMENT EXECUTE FUNCTION crm_forget_callers();
CREATE TRIGGER crm_forget_callers_update
    AFTER UPDATE OF published_until ON oauth_keys FOR EACH ROW
    WHEN (NEW.published_until <= now()) EXECUTE FUNCTION crm_forget_callers();
CREATE TRIGGER crm_forget_callers_delete
    AFTER DELETE ON oauth_keys FOR EACH ROW EXECUTE FUNCTION crm_forget_callers();
CREATE TRIGGER crm_forget_callers_truncate
    AFTER TRUNCATE ON oauth_keys FOR EACH STATEMENT EXECUTE FUNCTION crm_forget_callers();
"""


def upgrade() -> None:
    op.create_table('oauth_keys',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kid', sa.Text(), nullable=False),
    sa.Column('public_jwk', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('private_key', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('signs_from', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('signs_until', sa.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('published_until', sa.TIMESTAMP(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_oauth_keys_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('uq_oauth_keys_kid', 'oauth_keys', ['organization_id', 'kid'], unique=True)
    op.create_table('oauth_clients',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('auth_method', sa.Text(), nullable=False),
    sa.Column('secret_hash', sa.LargeBinary(), nullable=True),
    sa.Column('old_secret_hash', sa.LargeBinary(), nullable=True),
    sa.Column('old_secret_until', sa.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('jwks', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('redirect_uris', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('post_logout_redirect_uris', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('grant_types', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('scopes', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("(secret_hash IS NOT NULL) = (auth_method = 'client_secret_basic') AND (jwks IS NOT NULL) = (auth_method = 'private_key_jwt')", name='ck_oauth_clients_proof'),
    sa.CheckConstraint("(user_id IS NOT NULL) = ('client_credentials' = ANY (grant_types)) AND NOT (auth_method = 'none' AND 'client_credentials' = ANY (grant_types))", name='ck_oauth_clients_user'),
    sa.CheckConstraint("auth_method IN ('none', 'client_secret_basic', 'private_key_jwt')", name='ck_oauth_clients_auth_method'),
    sa.CheckConstraint("status IN ('PENDING', 'ACTIVE', 'SUSPENDED')", name='ck_oauth_clients_status'),
    sa.ForeignKeyConstraint(['organization_id', 'user_id'], ['users.organization_id', 'users.id'], name='fk_oauth_clients_user_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_oauth_clients_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_table('oauth_assertions',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('client_id', sa.Uuid(), nullable=False),
    sa.Column('jti_hash', sa.LargeBinary(), nullable=False),
    sa.Column('expires_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['organization_id', 'client_id'], ['oauth_clients.organization_id', 'oauth_clients.id'], name='fk_oauth_assertions_client_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_oauth_assertions_expires_at', 'oauth_assertions', ['expires_at'], unique=False)
    op.create_index('uq_oauth_assertions_jti_hash', 'oauth_assertions', ['organization_id', 'client_id', 'jti_hash'], unique=True)
    op.create_table('oauth_consents',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('client_id', sa.Uuid(), nullable=False),
    sa.Column('scopes', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('granted_at', sa.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['organization_id', 'client_id'], ['oauth_clients.organization_id', 'oauth_clients.id'], name='fk_oauth_consents_client_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'user_id'], ['users.organization_id', 'users.id'], name='fk_oauth_consents_user_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('uq_oauth_consents_user_id', 'oauth_consents', ['organization_id', 'user_id', 'client_id'], unique=True)
    op.create_table('oauth_families',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('client_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=True),
    sa.Column('scopes', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('own', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('last_used_at', sa.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.TIMESTAMP(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'client_id'], ['oauth_clients.organization_id', 'oauth_clients.id'], name='fk_oauth_families_client_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'user_id'], ['users.organization_id', 'users.id'], name='fk_oauth_families_user_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_oauth_families_client_id', 'oauth_families', ['organization_id', 'client_id'], unique=False)
    op.create_index('ix_oauth_families_user_id', 'oauth_families', ['organization_id', 'user_id', 'expires_at'], unique=False)
    op.create_table('oauth_codes',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('code_hash', sa.LargeBinary(), nullable=False),
    sa.Column('client_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=False),
    sa.Column('redirect_uri', sa.Text(), nullable=False),
    sa.Column('scopes', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('code_challenge', sa.Text(), nullable=False),
    sa.Column('nonce', sa.Text(), nullable=True),
    sa.Column('auth_time', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('expires_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('family_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'client_id'], ['oauth_clients.organization_id', 'oauth_clients.id'], name='fk_oauth_codes_client_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'family_id'], ['oauth_families.organization_id', 'oauth_families.id'], name='fk_oauth_codes_family_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id', 'user_id'], ['users.organization_id', 'users.id'], name='fk_oauth_codes_user_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_oauth_codes_expires_at', 'oauth_codes', ['expires_at'], unique=False)
    op.create_index('uq_oauth_codes_code_hash', 'oauth_codes', ['organization_id', 'code_hash'], unique=True)
    op.create_table('oauth_refresh_tokens',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('family_id', sa.Uuid(), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('used_at', sa.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('successor_salt', sa.LargeBinary(), nullable=True),
    sa.Column('successor_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'family_id'], ['oauth_families.organization_id', 'oauth_families.id'], name='fk_oauth_refresh_tokens_family_id', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_oauth_refresh_tokens_expires_at', 'oauth_refresh_tokens', ['expires_at'], unique=False)
    op.create_index('ix_oauth_refresh_tokens_family_id', 'oauth_refresh_tokens', ['organization_id', 'family_id'], unique=False)
    op.create_index('uq_oauth_refresh_tokens_token_hash', 'oauth_refresh_tokens', ['organization_id', 'token_hash'], unique=True)
    execute_script(functions_sql("crm_graph.auth"))
    execute_script(TRIGGERS)


def downgrade() -> None:
    op.drop_index('uq_oauth_refresh_tokens_token_hash', table_name='oauth_refresh_tokens')
    op.drop_index('ix_oauth_refresh_tokens_family_id', table_name='oauth_refresh_tokens')
    op.drop_index('ix_oauth_refresh_tokens_expires_at', table_name='oauth_refresh_tokens')
    op.drop_table('oauth_refresh_tokens')
    op.drop_index('uq_oauth_codes_code_hash', table_name='oauth_codes')
    op.drop_index('ix_oauth_codes_expires_at', table_name='oauth_codes')
    op.drop_table('oauth_codes')
    op.drop_index('ix_oauth_families_user_id', table_name='oauth_families')
    op.drop_index('ix_oauth_families_client_id', table_name='oauth_families')
    op.drop_table('oauth_families')
    op.drop_index('uq_oauth_consents_user_id', table_name='oauth_consents')
    op.drop_table('oauth_consents')
    op.drop_index('uq_oauth_assertions_jti_hash', table_name='oauth_assertions')
    op.drop_index('ix_oauth_assertions_expires_at', table_name='oauth_assertions')
    op.drop_table('oauth_assertions')
    op.drop_table('oauth_clients')
    op.drop_index('uq_oauth_keys_kid', table_name='oauth_keys')
    op.drop_table('oauth_keys')
