"""What must not be asked for, and what must not be shown: a check of words and a check of pixels."""
