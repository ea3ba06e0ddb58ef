"""Writes: checked, made and recorded in one statement of the caller's transaction."""
