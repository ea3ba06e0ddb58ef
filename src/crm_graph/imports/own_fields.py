"""Fields of an organisation's own in a mapping: found once it is known who imports, and where.

One that the importer neither sees nor may write is answered as a name that never was.
"""

from dataclasses import replace

from crm_graph.auth.policy import Policy
from crm_graph.imports.mapping import FieldMapping, ImportMapping, TableMapping, importable, no_such_field
from crm_graph.plan.access.custom import known


def resolved(mapping: ImportMapping, policy: Policy) -> ImportMapping:
    """The mapping with its custom fields as callers of this policy know them. Raises MappingInvalid."""
    if not any(table.own for table in mapping.tables):
        return mapping
    tables = tuple(_resolved(table, number, policy) for number, table in enumerate(mapping.tables, 1))
    return replace(mapping, tables=tables)


def _resolved(table: TableMapping, number: int, policy: Policy) -> TableMapping:
    specs = {one.spec.label: one.spec for one in known(policy) if one.entity == table.entity.__name__}
    found = []
    for name, origin in table.own.items():
        if name not in specs:
            where = f"table {number} ({table.entity.__name__}), {name}"
            raise no_such_field(where, [*importable(table.entity), *specs])
        found.append(FieldMapping(specs[name], origin, name))
    return replace(table, fields=(*table.fields, *found), own={})
