"""The whole product as processes of one machine, under one supervisor, without Docker."""
