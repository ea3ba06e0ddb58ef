"""Indexes that tell who sees what, dates on shares, masks that are put into statements as they stand."""

import sqlalchemy as sa
from alembic import op

from crm_graph.migrations.script import execute_script, functions_sql

revision = "202611220920"
down_revision = "202611220915"
branch_labels = None
depends_on = None

SHARES = {"customer_shares": "customers", "opportunity_shares": "opportunities", "key_account_shares": "key_accounts"}
KEYS = {"customer_shares": "customer_id", "opportunity_shares": "opportunity_id", "key_account_shares": "key_account_id"}
# table, name, keys after the organisation, what comes along
WIDER = (
    ("customers", "annual_revenue", "currency DESC, annual_revenue DESC NULLS LAST, id DESC", "owner_id, team_id"),
    ("customers", "credit_limit", "currency DESC, credit_limit DESC NULLS LAST, id DESC", "owner_id, team_id"),
    ("customers", "employees", "employees DESC NULLS LAST, id DESC", "owner_id, team_id"),
    ("customers", "lifetime_value", "currency DESC, lifetime_value DESC NULLS LAST, id DESC", "owner_id, team_id"),
    ("key_accounts", "score", "score DESC NULLS LAST, id DESC", "manager_id"),
    ("opportunities", "amount", "currency DESC, amount DESC NULLS LAST, id DESC", "owner_id, team_id, partner_id"),
    ("opportunities", "probability", "probability DESC NULLS LAST, id DESC", "owner_id, team_id, partner_id"),
    ("orders", "total", "currency DESC, total DESC NULLS LAST, id DESC", "customer_id, partner_id"),
    ("proposals", "total", "currency DESC, total DESC NULLS LAST, id DESC", "owner_id, customer_id, opportunity_id"),
)
NEW = (
    ("contacts", "email_mask", "crm_mask_email(email), id", ""),
    ("customers", "email_mask", "crm_mask_email(email), id", ""),
    ("customers", "phone_mask", "crm_mask_phone(phone), id", ""),
    (
        "customers",
        "annual_revenue_mask",
        "currency DESC, crm_mask_bucket(annual_revenue) DESC NULLS LAST, id DESC",
        "annual_revenue, owner_id, team_id",
    ),
    (
        "customers",
        "credit_limit_mask",
        "currency DESC, crm_mask_bucket(credit_limit) DESC NULLS LAST, id DESC",
        "credit_limit, owner_id, team_id",
    ),
    ("customers", "currency", "currency DESC, id DESC", "owner_id, team_id"),
    ("opportunities", "currency", "currency DESC, id DESC", "owner_id, team_id, partner_id"),
    ("orders", "currency", "currency DESC, id DESC", "customer_id, partner_id"),
    ("products", "currency", "currency DESC, id DESC", ""),
    ("proposals", "currency", "currency DESC, id DESC", "owner_id, customer_id, opportunity_id"),
)


def upgrade() -> None:
    execute_script(functions_sql())
    for shares, shared in SHARES.items():
        key = KEYS[shares]
        for table in (shares, f"{shares}_history"):
            op.add_column(table, sa.Column("row_created_at", sa.TIMESTAMP(timezone=True)))
        op.execute(f"ALTER TABLE {shares} DISABLE TRIGGER USER")  # it is not a change of the share
        op.execute(
            f"UPDATE {shares} s SET row_created_at = t.created_at FROM {shared} t"
            f" WHERE t.organization_id = s.organization_id AND t.id = s.{key}"
        )
        op.execute(f"ALTER TABLE {shares} ENABLE TRIGGER USER")
        op.execute(f"SELECT crm_keep_dated('{shares}', '{shared}', '{key}')")
        op.execute(
            f"CREATE INDEX ix_{shares}_newest ON {shares} (organization_id, grantee_id, row_created_at DESC, {key} DESC)"
            " INCLUDE (clearance, valid_from, valid_until)"
        )
    for table, name, _, _ in WIDER:
        op.execute(f"DROP INDEX ix_{table}_{name}")
    for index in (*WIDER, *NEW):
        _create(*index)


def downgrade() -> None:
    for table, name, _, _ in (*WIDER, *NEW):
        op.execute(f"DROP INDEX ix_{table}_{name}")
    for table, name, keys, _ in WIDER:
        _create(table, name, keys, "")
    for shares, shared in SHARES.items():
        op.execute(f"DROP TRIGGER crm_share_dated ON {shares}")
        op.execute(f"DROP TRIGGER crm_shares_dated ON {shared}")
        for table in (f"{shares}_history", shares):
            op.drop_column(table, "row_created_at")
    names = ("crm_keep_dated(regclass, regclass, text)", "crm_share_dated()", "crm_shares_dated()")
    for name in (*names, *(f"crm_dated_{shared}()" for shared in SHARES.values())):
        op.execute(f"DROP FUNCTION IF EXISTS {name}")


def _create(table: str, name: str, keys: str, included: str) -> None:
    along = f" INCLUDE ({included})" if included else ""
    op.execute(f"CREATE INDEX ix_{table}_{name} ON {table} (organization_id, {keys}){along}")
