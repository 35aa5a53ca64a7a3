"""Who is calling: organisations and their tokens."""
