"""A process that holds so many megabytes for a moment: `python -m tests.bench.holding MB`."""

import sys
import time

held = bytearray(int(sys.argv[1]) * 1_000_000)
held[::4096] = b"x" * len(held[::4096])
time.sleep(0.5)
