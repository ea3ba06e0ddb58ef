"""Who calls, and what they see: levels, row rules, policies, actors, credentials."""
