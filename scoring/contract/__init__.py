"""What comes in, and the faults that are told of it."""
