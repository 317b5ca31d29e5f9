"""Orders to recipes to pictures. expand, check and plan need no torch; engine and stages do the work."""
