"""Signing in in the browser: first steps, the second one, and the entrance that alone lets in."""
