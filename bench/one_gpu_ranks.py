#!/usr/bin/env python3
"""one_gpu_ranks.py N COMMAND...: N ranks of one run, all on the first GPU, as if each were alone on a machine of its own (so
NCCL talks over sockets, and does not refuse the GPU that it sees twice). Prints what rank 0 prints."""
import os
import socket
import subprocess
import sys


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def main():
    ranks, command, port = int(sys.argv[1]), sys.argv[2:], free_port()
    processes = []
    for rank in range(ranks):
        place = {"RANK": rank, "WORLD_SIZE": ranks, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1",
                 "MASTER_PORT": port, "NCCL_HOSTID": f"rank{rank}", "NCCL_SOCKET_IFNAME": "lo"}
        processes.append(subprocess.Popen(command, env={**os.environ, **{name: str(value) for name, value in place.items()}},
                                          stdout=None if rank == 0 else subprocess.DEVNULL))
    return max(abs(process.wait()) for process in processes)


if __name__ == "__main__":
    sys.exit(main())
