"""Tickets: opened on any channel, routed, taken, answered, resolved by their customer's word."""
