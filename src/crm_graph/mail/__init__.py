"""Mail that we send: kept in the transaction that causes it, delivered by the worker."""
