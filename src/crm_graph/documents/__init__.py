"""What is written for people outside: papers as PDF, in their language, with its formats. Knows nothing of records."""
