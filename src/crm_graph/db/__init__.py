"""The database: embedded server, read lanes, write transactions, identifiers."""
