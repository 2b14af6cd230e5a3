"""PostgreSQL: its server, dumps, contents, and the swap of databases."""
