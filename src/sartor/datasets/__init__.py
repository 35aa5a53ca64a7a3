"""Datasets: the pictures of a project with their captions, and the visual schema that they share."""
