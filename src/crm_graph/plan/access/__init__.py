"""What a caller reaches: the fields of an entity, the lens on its rows, and where they may write."""
