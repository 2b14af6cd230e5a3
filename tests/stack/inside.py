"""What a container's processes may do, as the kernel tells it inside the container."""

from dataclasses import dataclass

from tests.stack.stack import Container

# cgroup v2 first, then v1.
LIMITS = {
    "pids": ("/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"),
    "memory": ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"),
}


@dataclass(frozen=True)
class Process:
    """One line each of /proc/PID/status."""

    status: dict[str, str]

    @property
    def name(self) -> str:
        """The command."""
        return self.status["Name"]

    @property
    def users(self) -> set[int]:
        """Its user ids: real, effective, saved, of the file system."""
        return {int(word) for word in self.status["Uid"].split()}

    @property
    def capabilities(self) -> int:
        """Every capability that it has, may take, or may leave to a child."""
        names = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
        return sum(int(self.status[name], 16) for name in names)

    @property
    def may_gain_privileges(self) -> bool:
        """Whether a set-user-id program would give it more."""
        return self.status["NoNewPrivs"] != "1"

    @property
    def is_filtered(self) -> bool:
        """Whether a seccomp filter stands before the kernel's calls."""
        return self.status["Seccomp"] == "2"


def processes(container: Container) -> list[Process]:
    """All that run in it, this look itself included."""
    script = "for each in /proc/[0-9]*; do cat $each/status 2>/dev/null; echo; done"
    blocks = container.run("sh", "-c", script).split("\n\n")
    return [
        Process(dict(line.split(":\t", 1) for line in block.splitlines() if ":\t" in line))
        for block in blocks
        if "Seccomp:" in block
    ]


def limit(container: Container, kind: str) -> int:
    """Its limit of processes, or of bytes of memory, by its control group."""
    paths = " ".join(LIMITS[kind])
    return int(container.run("sh", "-c", f"cat {paths} 2>/dev/null || true").split()[0])


def root_mount(container: Container) -> set[str]:
    """The options with which its root file system is mounted."""
    for line in container.run("cat", "/proc/self/mounts").splitlines():
        _device, place, _kind, options, *_ = line.split()
        if place == "/":
            return set(options.split(","))
    raise AssertionError(f"{container.name} has no root file system")


def writable_mounts(container: Container) -> set[str]:
    """Where it may write: mounts that are neither read-only nor the kernel's own."""
    kernels = ("/proc", "/sys", "/dev")
    return {
        place
        for line in container.run("cat", "/proc/self/mounts").splitlines()
        for _device, place, _kind, options, *_ in [line.split()]
        if "rw" in options.split(",") and not place.startswith(kernels)
    }
