"""The doors that speak HTTP: A1111's REST (`sdapi`) and danqing's own (`native`). Nothing here paints, and nothing loads torch."""
