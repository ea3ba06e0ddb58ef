"""Pages of our own: server-made, without scripts."""
