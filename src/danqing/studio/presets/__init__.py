"""Presets that people come for: stickers, patterns, avatars, posters, covers, restored photographs; a module each, and a file of words each."""
