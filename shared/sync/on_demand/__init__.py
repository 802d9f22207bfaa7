"""Provision on demand: a few people or one group, the whole way at once, each step with what it found."""
