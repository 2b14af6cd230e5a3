"""Health: live needs the process alone, ready the database, and /health tells of every part."""
