"""Structured prompts by a language model: how it is asked, and what of its reply counts."""
