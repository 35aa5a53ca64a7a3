"""Sartor: tailored image generation with structured prompts and exact replay."""
