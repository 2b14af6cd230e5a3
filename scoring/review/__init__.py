"""Marking by people: the queue, reference answers, groups, the pass line, the workload."""
