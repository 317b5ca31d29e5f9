"""The embedded model's own data set and the plans that train it. Nothing here paints for users."""
