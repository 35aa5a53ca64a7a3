"""Telling a client's own server that a request has ended."""
