"""The prompt language: text to attention, timelines, parts, chunks of tokens, and between the dialects. No networks, no
globals, no disk but the files it is given."""
