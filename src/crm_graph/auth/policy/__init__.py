"""What callers may see and do: policies as plans use them, and an organisation's own as data, in versions."""
