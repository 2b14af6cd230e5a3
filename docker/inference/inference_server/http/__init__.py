"""The HTTP edge: it translates between requests and the rooms below, and decides nothing."""
