"""What an instruction changes of a prompt, and how it is written back into texts that somebody else wrote."""
