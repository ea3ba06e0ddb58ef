"""A CRM as one GraphQL API: every request is one SQL statement, every caller sees what their level allows."""

__version__ = "0.1.0"
