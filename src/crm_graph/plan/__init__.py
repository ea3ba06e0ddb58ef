"""Selection + policy → one SQL statement that returns the response's JSON; and writes, each one transaction."""
