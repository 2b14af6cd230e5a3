"""Faults of what was sent: where each is, and what is wrong there."""

from collections.abc import Sequence

Fault = dict[str, str]
"""`{pointer, detail}`: a JSON pointer into the body, or a parameter's name, and a sentence."""


class Invalid(ValueError):
    """What was sent breaks its contract; `faults` says where and how."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault['pointer']}: {fault['detail']}" for fault in faults))
        self.faults = list(faults)


def fault(pointer: str, detail: str) -> Fault:
    """A fault as the API shows it."""
    return {"pointer": pointer, "detail": detail}
