"""From a request's body to an image and the structured prompt that made it."""
