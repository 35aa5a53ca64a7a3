"""Projects: what a team wants to keep alike, and what kind of thing that is."""
