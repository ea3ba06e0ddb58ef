"""What statements are made of: parameters, text, the proof that it reads tables through a lens only, sending it."""
