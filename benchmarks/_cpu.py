"""CPU time of other processes, by what stands in their command lines."""

from contextlib import suppress

import psutil


class CpuTime:
    """Context that adds up the CPU seconds of all processes that are named so; see ``seconds``."""

    def __init__(self, *names: str) -> None:
        """Each process counts for the first of these names that its command line holds."""
        self._names = names

    def __enter__(self) -> "CpuTime":
        self._before = self._now()
        return self

    def __exit__(self, *exc: object) -> None:
        self.seconds = dict.fromkeys(self._names, 0.0)
        for process, (name, spent) in self._now().items():
            self.seconds[name] += spent - self._before.get(process, (name, 0.0))[1]

    def _now(self) -> dict[psutil.Process, tuple[str, float]]:
        found = {}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                title, times = " ".join(process.cmdline()), process.cpu_times()
                name = next((one for one in self._names if one in title), None)
                if name is not None:
                    found[process] = (name, times.user + times.system)
        return found
