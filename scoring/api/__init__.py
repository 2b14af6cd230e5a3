"""REST, version 1: edges that translate and decide nothing."""
