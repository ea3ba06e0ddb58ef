"""Work that nobody waits for: what is to be done from time to time, and the worker that does it."""
