"""Runs a program and makes one of its file operations fail, stop half-way, or be its last."""

import array
import errno
import os
import re
import select
import signal
import socket
import struct
import time
from typing import NamedTuple, Optional

import seccomp

# What can become of the k-th call.
MODES = {
    "ENOSPC": "it fails so",
    "EIO": "it fails so",
    "short": "half of the bytes are written, and the call says so",
    "kill": "its process is killed before it",
    "torn": "half of the bytes are written, then its process is killed",
    "full": "half of the bytes are written, and every later call that needs room on the disk fails with ENOSPC",
}
_WRITES = ("write", "pwrite")
_NEEDS_ROOM = ("write", "pwrite", "copy", "mkdir", "link")


class Call(NamedTuple):
    kind: str
    path: str  # below the watched folder; numbers of processes are left out
    makes: bool  # an open that may make the file, or an ftruncate that makes it longer

    def modes(self):
        """The modes that say something of this call."""
        if self.kind == "open" and not self.makes:
            return ["EIO", "kill"]
        modes = ["ENOSPC", "EIO", "kill"]
        if self.kind in _WRITES:
            modes += ["short", "torn"]
        if self.kind in _NEEDS_ROOM or self.makes:
            modes.append("full")
        return modes


class Fault(NamedTuple):
    call: int  # from 1
    mode: str


class Outcome(NamedTuple):
    exit_code: int  # 128 + the signal for a program that one ended
    out: str
    err: str
    calls: list  # of Call, up to the end
    hung: bool
    stayed: bool  # processes that it started outlived it by a minute
    seconds: float


class _Session:
    """One run of a program under the filter."""

    def __init__(self, folder, fault):
        self.folder = os.path.realpath(folder)
        self.fault = fault
        self.calls = []
        self.full = False
        self.disturbed = False

    def answer(self, request):
        try:
            call = self._call(request)
        except OSError:  # it ended, or asks for what cannot be read: the kernel will tell it
            call = None
        if call is None or not request.is_alive():
            request.go_on()
            return
        self.calls.append(call)
        if self._comes_here(call):
            self.disturbed = True
            self._disturb(request, call)
        elif self.full and "full" in call.modes():
            request.fail(errno.ENOSPC)
        else:
            request.go_on()

    def _comes_here(self, call):
        """Whether the fault does. Where processes took turns in another order, the k-th call may be one that its mode
        says nothing of: it comes to the next one that it fits."""
        return (self.fault is not None and not self.disturbed and self.fault.call <= len(self.calls)
                and self.fault.mode in call.modes())

    def _call(self, request):
        path = request.path()
        if path != self.folder and not path.startswith(self.folder + "/"):
            return None
        flags = {"open": 1, "openat": 2, "creat": None, "openat2": 2}
        makes = False
        if request.name == "creat":
            makes = True
        elif request.name == "openat2":
            makes = struct.unpack("<Q", request.memory(request.arguments[2], 8))[0] & os.O_CREAT != 0
        elif request.name in flags:
            makes = request.arguments[flags[request.name]] & os.O_CREAT != 0
        elif request.kind == "ftruncate":
            makes = request.arguments[1] > os.stat(f"/proc/{request.thread}/fd/{request.arguments[0]}").st_size
        name = os.path.relpath(path.removesuffix(" (deleted)"), self.folder)
        return Call(request.kind, re.sub(r"\.\d+\.part$", ".PID.part", name), makes)

    def _disturb(self, request, call):
        mode = self.fault.mode
        if mode == "kill":
            os.kill(request.process(), signal.SIGKILL)
            return
        if mode in ("short", "torn", "full") and call.kind in _WRITES:
            self.full = mode == "full"
            written = self._write_half(request)
            if mode == "torn":
                os.kill(request.process(), signal.SIGKILL)
            elif written:
                request.succeed(written)
            else:
                request.fail(errno.ENOSPC) if self.full else request.go_on()
            return
        self.full = mode == "full"
        if call.kind == "close":  # as the kernel does, which closes whatever it answers
            nothing = os.open("/dev/null", os.O_RDWR)
            request.replace(request.arguments[0], nothing)
            os.close(nothing)
        request.fail(errno.EIO if mode == "EIO" else errno.ENOSPC)

    @staticmethod
    def _write_half(request):
        descriptor, buffer, count = request.arguments[:3]
        if request.name in ("writev", "pwritev"):
            vectors = request.memory(buffer, 16 * count)
            data = b"".join(request.memory(*struct.unpack_from("<QQ", vectors, 16 * i)) for i in range(count))
        else:
            data = request.memory(buffer, count)
        half = data[: len(data) // 2]
        if not half:
            return 0
        copy = request.own_copy(descriptor)
        try:
            if request.kind == "pwrite":
                return os.pwrite(copy, half, request.arguments[3])
            return os.write(copy, half)
        finally:
            os.close(copy)


def _start(command, environment, out, err, channel):
    """In the child: becomes the program, under the filter."""
    try:
        os.setsid()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        listener = seccomp.install()
        channel.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))])
        os.execve(command[0], command, environment)
    except BaseException as problem:  # noqa: nothing of the parent may go on here
        os.write(2, f"{command[0]}: {problem}\n".encode())
    os._exit(127)


def _listener_of(channel):
    _, extra, _, _ = channel.recvmsg(1, socket.CMSG_SPACE(4))
    if not extra:
        return None
    return struct.unpack("i", extra[0][2][:4])[0]


def _serve(session, listener, process, deadline, grace):
    """Answers until the last process under the filter has ended; returns whether the first hung, and whether others
    stayed behind it."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(process, select.POLLIN)
    ended = False
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return not ended, ended
        for descriptor, event in poll.poll(1000 * left):
            if descriptor == process:
                ended = True
                poll.unregister(process)
                deadline = time.monotonic() + grace
            elif event & select.POLLIN:
                request = seccomp.next_request(listener)
                if request:
                    session.answer(request)
            else:
                if not ended:
                    select.select([process], [], [], max(0, deadline - time.monotonic()))
                return False, False


def _end_session(session):
    """Kills what a program has started, whatever group it is in."""
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.getsid(int(process)) == session:
                os.kill(int(process), signal.SIGKILL)
        except ProcessLookupError:
            pass


def run(command, folder, fault: Optional[Fault] = None, timeout=120, scratch="/tmp", environment=None):
    """Runs `command`, whose calls on files below `folder` count, over all its processes in one order.

    `scratch`: a folder for what it prints.
    """
    out, err = (os.path.join(scratch, name) for name in ("out", "err"))
    ours, theirs = socket.socketpair()
    begun = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _start(command, dict(os.environ if environment is None else environment), out, err, theirs)
    theirs.close()
    session = _Session(folder, fault)
    listener = _listener_of(ours)
    ours.close()
    hung = stayed = False
    if listener is not None:
        process = os.pidfd_open(pid)
        try:
            hung, stayed = _serve(session, listener, process, begun + timeout, grace=60)
        finally:
            os.close(listener)  # calls that still wait fail with ENOSYS
            os.close(process)
            if hung or stayed:
                _end_session(pid)
    status = os.waitpid(pid, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    texts = []
    for path in (out, err):
        with open(path, errors="replace") as file:
            texts.append(file.read())
    return Outcome(128 - code if code < 0 else code, *texts, session.calls, hung, stayed, time.monotonic() - begun)
