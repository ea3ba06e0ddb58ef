"""What proves who somebody is, beside the password: apps with codes, recovery codes, passkeys, links sent by mail."""
