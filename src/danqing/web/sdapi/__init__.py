"""A1111's REST API below /sdapi/v1: its requests, its defaults, its answers. How each is translated is pure and knows no server."""
