"""What queueing theory says of a service whose replicas never change."""


def probability_of_waiting(load: float, servers: int) -> float:
    """Erlang's C: the share of arrivals that find no free server, in M/M/c.

    `load` is arrivals a second times seconds of work each. Through Erlang's B, whose recursion over
    the servers does not overflow.
    """
    blocked = 1.0
    for server in range(1, servers + 1):
        blocked = load * blocked / (server + load * blocked)
    utilised = load / servers
    return blocked / (1 - utilised * (1 - blocked)) if utilised < 1 else 1.0


def mean_wait(load: float, servers: int, work: float) -> float:
    """Seconds that an arrival waits for a server, in M/M/c, of those with and without a wait."""
    return probability_of_waiting(load, servers) * work / (servers - load)
