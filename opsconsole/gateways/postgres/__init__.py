"""PostgreSQL as the console needs it: a server, its dumps, and what is in a database."""
