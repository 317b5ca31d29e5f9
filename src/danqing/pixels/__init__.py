"""Picture handling without networks: files with their metadata, sizes, sheets. No globals; what has a state lies above."""
