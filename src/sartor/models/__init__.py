"""Tailored models: an adapter, the visual schema of the brand that it learned, and what is shown of both."""
