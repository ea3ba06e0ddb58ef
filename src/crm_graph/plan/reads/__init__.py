"""Lists: which rows, in which order, from where, and what they come to as a connection."""
