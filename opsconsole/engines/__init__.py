"""What runs an environment: one port, implemented by `embedded`, `compose` and `swarm`."""
