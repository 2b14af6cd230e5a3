"""What the REST calls of both apps are built from."""
