#!/usr/bin/env python3
"""gpu_memory.py COMMAND...: runs it, and prints as its last line {"event": "memory", "mib": N}: the most of the first GPU's
memory that was in use meanwhile, by nvidia-smi five times a second; null where that says nothing."""
import json
import subprocess
import sys
import threading

WATCH = ["nvidia-smi", "--id=0", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--loop-ms=200"]


def main():
    try:
        watch = subprocess.Popen(WATCH, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        watch = None
    seen = []
    if watch:
        reader = threading.Thread(target=lambda: seen.extend(int(line) for line in watch.stdout if line.strip().isdigit()))
        reader.start()
    code = subprocess.run(sys.argv[1:]).returncode
    if watch:
        watch.terminate()
        watch.wait()
        reader.join()
    print(json.dumps({"event": "memory", "mib": max(seen, default=None)}))
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
