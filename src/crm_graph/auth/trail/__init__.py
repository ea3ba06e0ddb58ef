"""What is on record about how people sign in: what was done to it, and how often somebody failed."""
