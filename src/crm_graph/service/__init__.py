"""What service promises, reckoned: hours of business and the moments at which something is due. Knows no database."""
