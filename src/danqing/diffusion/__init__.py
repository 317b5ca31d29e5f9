"""Sampler mathematics: predictions, schedules, samplers, noise, guidance. It knows tensors, and neither networks nor
files nor prompts."""
