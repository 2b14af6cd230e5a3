"""From the token vectors of an answer to its mark: strengths, points, evidence and flags."""
