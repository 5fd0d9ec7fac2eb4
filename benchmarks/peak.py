"""Run a program, and print the most memory it has held, in KiB (Linux counts in these).

A process of its own, and a small one: the system counts what a parent held when it started a
child as the child's.
"""

import resource
import subprocess
import sys

status = subprocess.run(sys.argv[1:], check=False, stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
