"""The ways by which a value could reach a caller, each a function that asks by it and says what must hold.

A new way (an export, a webhook, a subscription) is covered by writing one such function under `@channel` in a module
of this package and importing the module here: `test_matrix.py` runs it for every role and entity.
"""

from tests.access.channels import (
    acting,
    aggregating,
    cursors,
    custom,
    explaining,
    files,
    nesting,
    outside,
    predicates,
    schemas,
    searching,
    selecting,
    selling,
    writing,
)
from tests.access.channels.registry import CHANNELS, CUSTOM_CHANNELS, Channel, Probe

__all__ = [
    "CHANNELS",
    "CUSTOM_CHANNELS",
    "Channel",
    "Probe",
    "acting",
    "aggregating",
    "cursors",
    "custom",
    "explaining",
    "files",
    "nesting",
    "outside",
    "predicates",
    "schemas",
    "searching",
    "selecting",
    "selling",
    "writing",
]
