"""Teaching networks: data sets, losses, the loop and its resumable state. Painting samples and verdicts is the
painting floor's work."""
