"""Runs a command to its end and prints one JSON line: wall seconds, and CPU seconds and peak memory of all its processes.

Processes that outlive their parent (a JVM that a Python program started) come to this one and are waited for too. Peak
memory is the largest sum of what they held at one moment, looked at every 20 ms.
"""
import ctypes
import json
import os
import resource
import subprocess
import sys
import threading
import time

ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
page = os.sysconf("SC_PAGE_SIZE")
peak = 0
done = threading.Event()


def descendants_memory():
    """Resident bytes of every process below this one."""
    parents, memory = {}, {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
            parents[int(name)], memory[int(name)] = int(fields[1]), int(fields[21]) * page
        except OSError:
            continue  # it ended while we looked
    total, below = 0, {os.getpid()}
    while below:
        below = {pid for pid, parent in parents.items() if parent in below}
        total += sum(memory[pid] for pid in below)
    return total


def watch():
    global peak
    while not done.wait(0.02):
        peak = max(peak, descendants_memory())


watcher = threading.Thread(target=watch)
watcher.start()
start = time.perf_counter()
status = subprocess.run(sys.argv[2:], stdout=open(sys.argv[1], "w"), stderr=subprocess.STDOUT).returncode
wall = time.perf_counter() - start
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
done.set()
watcher.join()
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
peak = max(peak, usage.ru_maxrss * 1024)
print(json.dumps({"status": status, "wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peakMb": peak / 1e6}))
