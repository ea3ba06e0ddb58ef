"""Records in groups: what they go by, what is asked of each, and which are kept."""
