"""What is counted daily over all customers of an organisation, and told by itself to nobody who may not see it.

Both tables are declared aggregates (docs/access.md): their dimensions are fixed, nobody filters them, and a group of
fewer than five customers is not there.
"""

import sqlalchemy as sa
from sqlmodel import SQLModel

_STAMP = sa.TIMESTAMP(timezone=True)


def _made(name: str, sql: str) -> "sa.Column[object]":
    return sa.Column(name, sa.Numeric, sa.Computed(sql, persisted=True))


def _product(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id", column],
        ["products.organization_id", "products.id"],
        name=f"fk_{table}_{column}",
        ondelete="CASCADE",
    )


product_associations = sa.Table(
    "product_associations",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("product_id", sa.Uuid, primary_key=True),
    sa.Column("other_id", sa.Uuid, primary_key=True),
    sa.Column("together", sa.Integer, nullable=False),
    sa.Column("buyers", sa.Integer, nullable=False),
    sa.Column("other_buyers", sa.Integer, nullable=False),
    sa.Column("customers", sa.Integer, nullable=False),
    sa.Column("counted_at", _STAMP, nullable=False, server_default=sa.func.now()),
    _made("support", "together::numeric / customers::numeric"),
    _made("confidence", "together::numeric / buyers::numeric"),
    _made("lift", "together::numeric * customers::numeric / (buyers::numeric * other_buyers::numeric)"),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_product_associations_organization"),
    _product("product_associations", "product_id"),
    _product("product_associations", "other_id"),
    sa.CheckConstraint("together >= 5", name="ck_product_associations_together"),
    sa.Index("ix_product_associations_other_id", "organization_id", "other_id"),
)
"""The rule "who buys `product` buys `other` with it", counted in customers.

Support is the share of all buying customers who bought both in one order, confidence the share of the product's buyers
who did (R. Agrawal, R. Srikant: Fast Algorithms for Mining Association Rules, VLDB 1994, section 1), with the customer
as the transaction that counts once. Lift is confidence by the other product's share of all: above 1, the two are bought
together more often than by chance (S. Brin et al.: Dynamic Itemset Counting, SIGMOD 1997, who call it interest).
"""

segment_purchases = sa.Table(
    "segment_purchases",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("segment", sa.Text, primary_key=True),
    sa.Column("product_id", sa.Uuid, primary_key=True),
    sa.Column("buyers", sa.Integer, nullable=False),
    sa.Column("customers", sa.Integer, nullable=False),
    sa.Column("counted_at", _STAMP, nullable=False, server_default=sa.func.now()),
    _made("share", "buyers::numeric / customers::numeric"),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_segment_purchases_organization"),
    _product("segment_purchases", "product_id"),
    sa.CheckConstraint("buyers >= 5", name="ck_segment_purchases_buyers"),
    sa.Index("ix_segment_purchases_product_id", "organization_id", "product_id"),
)
"""How many customers of a segment bought a product, of all who bought anything."""
