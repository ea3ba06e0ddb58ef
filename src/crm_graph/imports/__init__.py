"""Data from older systems: files, a mapping, a dry run, a report per row, and undo."""
