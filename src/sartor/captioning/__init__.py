"""From pictures to words: what each shows as a structured prompt, and the visual schema that several share."""
