"""What the peers' run found, kept as it goes and written after every case: a run that is cut short leaves what it had."""

import importlib
import json
import os
import signal
import time

SCHEMA = 1


class Wrong(Exception):
    """A peer's result misses its bound: its time would mean nothing."""


class Record:
    """The rows of a run, each peer guarded: what it cannot do is written down, and the others go on."""

    def __init__(self, path, head, measure, budget, limit, case_limit, peers=()):
        """`measure(calls)` gives the spread of a call in microseconds; the limits are seconds. Only `peers`, if some are named; no file without a path."""
        self.path, self.measure, self.budget, self.case_limit, self.peers = path, measure, budget, case_limit, peers
        self.end = time.monotonic() + limit
        self.used = {}
        self.packages = {}
        self.report = {"schema": SCHEMA, **head, "missing": {}, "rows": []}

    def module(self, peer, name):
        """The peer's module; without it every case of the peer fails with the reason."""
        if name not in self.packages:
            try:
                self.packages[name] = importlib.import_module(name)
            except Exception as error:
                self.packages[name] = error
                self.report["missing"][peer] = text_of(error)
        found = self.packages[name]
        if isinstance(found, Exception):
            raise found
        return found

    def case(self, operation, variant, shape, peer, make, note="", same_result=True):
        """One peer at one shape. `make()` gives its calls, one a set, and a check: (error, bound) of a result of calls[0]."""
        if self.peers and peer not in self.peers:
            return
        row = {
            "operation": operation,
            "variant": variant,
            "shape": shape,
            "peer": peer,
            "note": note,
            "same_result": same_result,
            "kernel_us": None,
            "error": None,
            "bound": None,
            "failure": None,
            "seconds": None,
        }
        start = time.monotonic()
        left = min(self.budget - self.used.get((operation, peer), 0.0), self.end - start)
        try:
            if left <= 0:
                raise TimeoutError("no time left for this peer (--budget, --limit)")
            with Alarm(min(left, self.case_limit)):
                calls, check = make()
                row["error"], row["bound"] = check(calls[0]())
                # A NaN is beyond every bound.
                if not row["error"] <= row["bound"]:
                    raise Wrong(f"wrong result: error {row['error']:.2e}, bound {row['bound']:.2e}")
                row["kernel_us"] = self.measure(calls)
        except Exception as error:
            row["failure"] = text_of(error)
        row["seconds"] = round(time.monotonic() - start, 2)
        self.used[operation, peer] = self.used.get((operation, peer), 0.0) + row["seconds"]
        self.report["rows"].append(row)
        self.write()
        found = f"{row['kernel_us']['median']:.2f} us" if row["kernel_us"] else row["failure"]
        print(f"{operation}, {variant or 'any variant'}, {shape}: {peer}: {found}", flush=True)

    def write(self):
        """As a whole or not at all."""
        if self.path:
            write_json(self.path, self.report)


class Alarm:
    """Ends what takes longer than `seconds` with a TimeoutError, once Python is reached."""

    def __init__(self, seconds):
        self.seconds, self.rang = seconds, False

    def __enter__(self):
        signal.signal(signal.SIGALRM, self.ring)
        signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __exit__(self, kind, *_):
        signal.setitimer(signal.ITIMER_REAL, 0)
        # A compiler may have made another error of it.
        if self.rang and kind is not TimeoutError:
            self.ring()

    def ring(self, *_):
        self.rang = True
        raise TimeoutError(f"took longer than {self.seconds:.1f} s")


def text_of(error):
    """An error in one short line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def write_json(path, value):
    """As a whole or not at all."""
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
        file.write("\n")
    os.replace(f"{path}.part", path)
