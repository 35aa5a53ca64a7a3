"""English to a draft of a scene, and a draft to fields: words, phrases, grammar, places and the captions' wording."""
