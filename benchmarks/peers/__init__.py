"""The servers and programs that are measured, one a file."""
