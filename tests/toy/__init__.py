"""The toy family: random weights, about 1 MB, 64x64 pictures in milliseconds, for every test that isn't about likeness."""
