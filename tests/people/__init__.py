"""How people come in: invitations, codes by mail, sign-up, providers."""
