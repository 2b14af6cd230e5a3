"""Word order that no writer has: what the heads are fitted to, and how much they catch."""
