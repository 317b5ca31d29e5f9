"""Values and words that every floor shares: no torch, no disk, no clock."""
