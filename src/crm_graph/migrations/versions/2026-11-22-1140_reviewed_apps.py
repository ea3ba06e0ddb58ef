"""Apps that are asked for and reviewed, and whose partner says what they may at most."""

import sqlalchemy as sa
from alembic import op

revision = "202611221140"
down_revision = "202611221130"
branch_labels = None
depends_on = None

STATUS = "status IN ('PENDING', 'ACTIVE', 'SUSPENDED'{more})"
OWN = "'client_credentials' = ANY (grant_types)"
PROVED = f" AND NOT (auth_method = 'none' AND {OWN})"
USER_BEFORE = f"(user_id IS NOT NULL) = ({OWN}){PROVED}"
USER = (
    f"(user_id IS NULL OR {OWN})"
    f" AND (user_id IS NOT NULL OR status IN ('PENDING', 'REJECTED') OR NOT {OWN}){PROVED}"
)
# as authorization_server.py has it: whoever is remembered by what an app may do is forgotten
TRIGGER = """
CREATE OR REPLACE TRIGGER crm_forget_callers_update
    AFTER UPDATE OF status, scopes{more} ON oauth_clients FOR EACH ROW
    WHEN ((OLD.status, OLD.scopes{old}) IS DISTINCT FROM (NEW.status, NEW.scopes{new}))
    EXECUTE FUNCTION crm_forget_callers()
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("oauth_clients", sa.Column("partner_id", sa.Uuid(), nullable=True))
    op.add_column("oauth_clients", sa.Column("requested_by", sa.Uuid(), nullable=True))
    op.add_column("oauth_clients", sa.Column("review_note", sa.Text(), nullable=True))
    op.create_foreign_key(
        "fk_oauth_clients_partner_id", "oauth_clients", "partners",
        ["organization_id", "partner_id"], ["organization_id", "id"], ondelete="CASCADE",
    )  # fmt: skip
    _constraints(STATUS.format(more=", 'REJECTED'"), USER)
    # an app that acts on its own is its user's partner's
    op.execute(
        "UPDATE oauth_clients c SET partner_id = u.partner_id FROM users u"
        " WHERE u.organization_id = c.organization_id AND u.id = c.user_id AND u.partner_id IS NOT NULL"
    )
    op.execute(
        TRIGGER.format(more=", user_id, partner_id", old=", OLD.user_id, OLD.partner_id",
                       new=", NEW.user_id, NEW.partner_id")
    )  # fmt: skip


def downgrade() -> None:
    # what the release before does not know must not begin to work
    op.execute(f"DELETE FROM oauth_clients WHERE status = 'REJECTED' OR (user_id IS NULL AND {OWN})")
    op.execute(TRIGGER.format(more="", old="", new=""))
    _constraints(STATUS.format(more=""), USER_BEFORE)
    op.drop_constraint("fk_oauth_clients_partner_id", "oauth_clients", type_="foreignkey")
    for name in ("review_note", "requested_by", "partner_id"):
        op.drop_column("oauth_clients", name)


def _constraints(status: str, user: str) -> None:
    for name, condition in (("status", status), ("user", user)):
        op.drop_constraint(f"ck_oauth_clients_{name}", "oauth_clients", type_="check")
        op.create_check_constraint(f"ck_oauth_clients_{name}", "oauth_clients", condition)
