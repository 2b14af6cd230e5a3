"""Whether an answer turns around what a reference says: negation, numbers, cause and effect."""
