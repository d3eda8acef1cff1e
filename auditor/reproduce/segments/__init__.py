"""Replays stretches of the real run, from checkpoint to checkpoint, that its author could not know beforehand."""
