"""The kernel's side of file faults: by seccomp's user notifications a parent answers its children's system calls.

It sees all that a process and its descendants ask of the kernel, calls inside libc too, which a preloaded library would
not see, over all threads and processes in one order. See man 2 seccomp_unotify.
"""

import ctypes
import errno
import fcntl
import os
import platform
import struct

# The calls that change files or may lose what was written, by their number: what they are counted as, and which of
# their arguments say where. ("fd", i): a descriptor. ("at", i, j): a path below a folder's descriptor, or (None, j)
# below the working folder; of two paths the new one.
_EVERYWHERE = {
    "write": ("write", "fd", 0),
    "writev": ("write", "fd", 0),
    "pwrite64": ("pwrite", "fd", 0),
    "pwritev": ("pwrite", "fd", 0),
    "copy_file_range": ("copy", "fd", 2),
    "sendfile": ("copy", "fd", 0),
    "fsync": ("fsync", "fd", 0),
    "fdatasync": ("fsync", "fd", 0),
    "ftruncate": ("ftruncate", "fd", 0),
    "fallocate": ("ftruncate", "fd", 0),
    "close": ("close", "fd", 0),
    "openat": ("open", "at", 0, 1),
    "openat2": ("open", "at", 0, 1),
    "mkdirat": ("mkdir", "at", 0, 1),
    "unlinkat": ("unlink", "at", 0, 1),
    "symlinkat": ("link", "at", 1, 2),
    "linkat": ("link", "at", 2, 3),
    "renameat": ("rename", "at", 2, 3),
    "renameat2": ("rename", "at", 2, 3),
    "truncate": ("ftruncate", "at", None, 0),
    "open": ("open", "at", None, 0),
    "creat": ("open", "at", None, 0),
    "mkdir": ("mkdir", "at", None, 0),
    "rmdir": ("unlink", "at", None, 0),
    "unlink": ("unlink", "at", None, 0),
    "symlink": ("link", "at", None, 1),
    "link": ("link", "at", None, 1),
    "rename": ("rename", "at", None, 1),
}
_X86_64 = dict(write=1, open=2, close=3, pwrite64=18, writev=20, sendfile=40, fsync=74, fdatasync=75, truncate=76,
               ftruncate=77, rename=82, mkdir=83, rmdir=84, creat=85, link=86, unlink=87, symlink=88, openat=257,
               mkdirat=258, unlinkat=263, renameat=264, linkat=265, symlinkat=266, fallocate=285, pwritev=296,
               renameat2=316, copy_file_range=326, openat2=437)
_AARCH64 = dict(mkdirat=34, unlinkat=35, symlinkat=36, linkat=37, renameat=38, truncate=45, ftruncate=46, fallocate=47,
                openat=56, close=57, write=64, writev=66, pwrite64=68, pwritev=70, sendfile=71, fsync=82, fdatasync=83,
                renameat2=276, copy_file_range=285, openat2=437)
# Of each machine: how seccomp names it, the number of seccomp(2) and those of the calls.
_MACHINES = {"x86_64": (0xC000003E, 317, _X86_64), "aarch64": (0xC00000B7, 277, _AARCH64)}
_AUDIT, _SECCOMP, _NUMBERS = _MACHINES.get(platform.machine(), (0, 0, {}))
CALLS = {number: (name, *_EVERYWHERE[name]) for name, number in _NUMBERS.items()}

_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER, _NEW_LISTENER, _WAIT_KILLABLE = 1, 1 << 3, 1 << 5
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # classic BPF: ld abs, jeq, ret
_PIDFD_GETFD = 438

_NOTIFICATION = struct.Struct("<QIIiIQ6Q")  # id, thread, flags, number, machine, instruction, arguments
_ANSWER = struct.Struct("<QqiI")  # id, value, error, flags
_NEW_DESCRIPTOR = struct.Struct("<QIIII")  # id, flags, own, theirs, its flags
_CONTINUE, _SET_DESCRIPTOR = 1, 1


def _request(direction, number, size):
    return direction << 30 | size << 16 | ord("!") << 8 | number


_RECEIVE = _request(3, 0, _NOTIFICATION.size)
_SEND = _request(3, 1, _ANSWER.size)
_IS_VALID = _request(1, 2, 8)
_ADD_DESCRIPTOR = _request(1, 3, _NEW_DESCRIPTOR.size)

_libc = ctypes.CDLL(None, use_errno=True)


class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def why_not():
    """What keeps this machine from it, or None."""
    if not CALLS:
        return f"no table of system calls for {platform.machine()}"
    if not hasattr(os, "pidfd_open"):
        return "Python 3.9 or newer is needed"
    try:
        with open("/proc/sys/kernel/seccomp/actions_avail") as file:
            return None if "user_notif" in file.read().split() else "the kernel has no seccomp user notifications"
    except OSError:
        return "the kernel has no seccomp filters"


def install():
    """Puts the filter over this process and all that it will start; returns the descriptor that its parent listens on.

    Every counted call waits for an answer from here on.
    """
    def instruction(code, value, if_true=0, if_false=0):
        return struct.pack("<HBBI", code, if_true, if_false, value)

    numbers = sorted(CALLS)
    program = [instruction(_LOAD, 4), instruction(_JUMP_IF_EQUAL, _AUDIT, 0, len(numbers) + 1), instruction(_LOAD, 0)]
    for i, number in enumerate(numbers):
        program.append(instruction(_JUMP_IF_EQUAL, number, len(numbers) - i, 0))
    program += [instruction(_RETURN, _ALLOW), instruction(_RETURN, _NOTIFY)]
    code = b"".join(program)
    given = Filter(len(program), code)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # A call that waits for its answer is not begun anew by a signal, which would count it twice (Linux 5.19).
    for flags in (_NEW_LISTENER | _WAIT_KILLABLE, _NEW_LISTENER):
        listener = _libc.syscall(_SECCOMP, _SET_MODE_FILTER, flags, ctypes.byref(given))
        if listener >= 0:
            return listener
    raise OSError(ctypes.get_errno(), "no seccomp filter: " + os.strerror(ctypes.get_errno()))


class Request:
    """A system call that waits for its answer: exactly one of the methods below `path`."""

    def __init__(self, listener, fields):
        self._listener = listener
        self._id, self.thread, _, number, _, _, *self.arguments = fields
        self.name, self.kind, self._way, *self._where = CALLS[number]

    def path(self):
        """Where, as an absolute path; what is no file has a name without a slash."""
        if self._way == "fd":
            return self._descriptor(self.arguments[self._where[0]])
        folder, text = self._where
        name = self.text(self.arguments[text])
        if not name.startswith("/"):
            at = None if folder is None else ctypes.c_int(self.arguments[folder] & 0xFFFFFFFF).value
            below = os.readlink(f"/proc/{self.thread}/cwd") if at is None or at == -100 else self._descriptor(at)
            name = below + "/" + name
        return os.path.normpath(name)

    def _descriptor(self, number):
        return os.readlink(f"/proc/{self.thread}/fd/{ctypes.c_int(number & 0xFFFFFFFF).value}")

    def memory(self, address, count):
        with open(f"/proc/{self.thread}/mem", "rb", buffering=0) as file:
            file.seek(address)
            parts = b""
            while len(parts) < count:
                part = file.read(count - len(parts))
                if not part:
                    break
                parts += part
            return parts

    def text(self, address):
        page = 4096
        found = b""
        while b"\0" not in found and len(found) < 2 * page:
            found += self.memory(address + len(found), page - (address + len(found)) % page)
        return os.fsdecode(found.split(b"\0")[0])

    def process(self):
        with open(f"/proc/{self.thread}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Tgid:"))

    def is_alive(self):
        """Whether what was read of the process was its own: it may have ended meanwhile."""
        try:
            fcntl.ioctl(self._listener, _IS_VALID, struct.pack("<Q", self._id))
            return True
        except OSError:
            return False

    def own_copy(self, descriptor):
        """Of a descriptor of the process: with it, the position in the file is shared."""
        process = os.pidfd_open(self.process())
        try:
            copy = _libc.syscall(_PIDFD_GETFD, process, descriptor, 0)
        finally:
            os.close(process)
        if copy < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd: " + os.strerror(ctypes.get_errno()))
        return copy

    def replace(self, descriptor, own):
        """Closes a descriptor of the process, which has a copy of `own` there now."""
        fcntl.ioctl(self._listener, _ADD_DESCRIPTOR,
                    _NEW_DESCRIPTOR.pack(self._id, _SET_DESCRIPTOR, own, descriptor, os.O_CLOEXEC))

    def go_on(self):
        self._answer(0, 0, _CONTINUE)

    def fail(self, error):
        self._answer(0, -error, 0)

    def succeed(self, value):
        self._answer(value, 0, 0)

    def _answer(self, value, error, flags):
        try:
            fcntl.ioctl(self._listener, _SEND, _ANSWER.pack(self._id, value, error, flags))
        except OSError as problem:
            if problem.errno != errno.ENOENT:  # the process has ended
                raise


def next_request(listener):
    """The call that waits longest, or None where its process has ended meanwhile."""
    buffer = bytearray(_NOTIFICATION.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, buffer)
    except OSError as problem:
        if problem.errno in (errno.ENOENT, errno.EINTR):
            return None
        raise
    return Request(listener, _NOTIFICATION.unpack(buffer))
