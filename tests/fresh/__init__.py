"""`make demo` on fresh clones, in the places where people try it."""
