"""Experiments that explain: what breaks a run's repeatability, how much it varies, and where two runs part."""
