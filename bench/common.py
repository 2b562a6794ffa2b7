"""What the benchmarks share."""
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def last_json(command):
    """The last line that the command prints, as JSON; its error ends the benchmark where it prints none."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if not result.stdout.strip():
        sys.exit(f"{' '.join(map(str, command))} failed:\n{result.stderr}")
    return json.loads(result.stdout.strip().splitlines()[-1])
