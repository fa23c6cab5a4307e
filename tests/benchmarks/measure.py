"""Time the steps of one engine, in a process of its own that `Engine` starts and asks.

The other side of the pipe is this file, too: ``python measure.py MODULE.py WORKLOAD`` prints a
line when it is warm, and another one for each line that it reads. It needs nothing but Python, so
that engines in other environments can be timed.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "TINYGRAD_MO_THREADS")
TUNING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # what would change the library's speed
GO_ON = 3.0  # seconds after which an engine counts as warm, however slow it is


def prepare(threads):
    """Set the number of threads and drop what tunes the library, before NumPy is imported."""
    os.environ.update(dict.fromkeys(THREADS, str(threads)))
    for name in TUNING:
        os.environ.pop(name, None)


class Engine:
    """One engine on one workload, alive until `close`. It gets the threads of this process.

    Parameters
    ----------
    python : str
        The interpreter that can import it.
    module : str or Path
        The file with the functions `w1` to `w15`.
    workload : str
        One of them, with arguments behind colons: "w8:w1:sum".
    settings : dict, optional
        Further environment variables.
    """

    def __init__(self, python, module, workload, settings=None):
        plain = {name: value for name, value in os.environ.items() if name not in TUNING}
        self.process = subprocess.Popen(
            [python, __file__, str(module), workload],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=plain | (settings or {}),
        )
        self.rounds = []
        self.first = self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.communicate()[1].strip() or "the engine ended")
        return json.loads(line)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self._answer()

    def measure(self, seconds):
        """One more round of about so many seconds."""
        self.rounds.append(self.ask(f"measure {seconds}"))

    def median(self, key):
        """Of all rounds, the median of "cpu" or "wall" (seconds per step)."""
        return statistics.median(r[key] for r in self.rounds)

    def best(self, key):
        """Of all rounds, the smallest."""
        return min(r[key] for r in self.rounds)

    def close(self):
        """End the process; returns what it has seen: peak memory, and floating-point operations."""
        seen = self.ask("end")
        self.process.communicate()
        return seen


def peak_memory():
    """The most memory that this process has held so far, in MB (Linux; elsewhere None)."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def timed(step, seconds):
    """Medians over steps, by processor time and by the clock on the wall."""
    cpu, wall = [], []
    end = time.perf_counter() + seconds
    while len(cpu) < 3 or time.perf_counter() < end:
        c, w = time.process_time(), time.perf_counter()
        step()
        cpu.append(time.process_time() - c)
        wall.append(time.perf_counter() - w)
    return {"cpu": statistics.median(cpu), "wall": statistics.median(wall), "steps": len(cpu)}


def serve(module, workload):
    out = os.fdopen(os.dup(1), "w", buffering=1)  # libraries may print: not into our pipe
    os.dup2(2, 1)

    def say(**values):
        out.write(json.dumps(values) + "\n")

    sys.path.insert(0, str(Path(module).resolve().parent))
    name, *arguments = workload.split(":")
    step = getattr(__import__(Path(module).stem), name)(*arguments)
    losses = [float(step()) for _ in range(4)]
    steady, end = 0.0, time.perf_counter() + GO_ON
    while time.perf_counter() < end and steady < 0.3:  # seconds of warm steps
        start = time.perf_counter()
        step()
        steady += time.perf_counter() - start
    say(losses=losses)
    for line in sys.stdin:
        command, *values = line.split()
        if command == "measure":
            say(**timed(step, float(values[0])))
        else:
            say(memory=peak_memory(), flops=getattr(step, "flops", lambda: None)())
            return


if __name__ == "__main__":
    serve(*sys.argv[1:])
