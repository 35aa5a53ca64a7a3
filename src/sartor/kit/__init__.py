"""What any service needs and this one did not invent: database, storage, jobs, limits. Knows nothing of images."""
