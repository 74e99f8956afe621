"""Peak memory of this process and its children, watched from outside of them."""

import threading

import psutil

SAMPLE_EVERY_S = 0.1


class PeakMemory:
    """Context that samples private memory: of all processes, or of those named so, all together."""

    def __init__(self, *, named: str = "") -> None:
        """``named`` must stand in the command line of the processes that count."""
        self._named = named

    def __enter__(self) -> "PeakMemory":
        self.peak_bytes, self._over = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._over.wait(SAMPLE_EVERY_S):
            now = sum(self._private(process) for process in [me, *me.children(True)])
            self.peak_bytes = max(self.peak_bytes, now)

    def _private(self, process: psutil.Process) -> int:
        try:
            if self._named not in " ".join(process.cmdline()):
                return 0
            memory = process.memory_info()
        except psutil.Error:
            return 0
        return int(memory.rss - memory.shared)
