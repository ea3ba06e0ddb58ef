"""Pages of our own for administrators: server-made, without scripts."""
