"""REST, version 1, of the console: edges that translate and decide nothing."""
