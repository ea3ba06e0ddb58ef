"""How people come in: invitations, codes by mail, and linking a sign-in to a customer record."""
