"""What a run commits itself to before anybody checks it: a Merkle root over its checkpoints, and the challenge from it."""
