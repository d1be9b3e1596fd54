#!/usr/bin/python3
"""Runs what a unit starts, within the unit's filters of address families and of system calls, as systemd would put them around it.

    confined.py [--root ROOT] UNIT [INSTANCE]     UNIT: its file; ROOT: a system to run it in, as the unit's user"""
import argparse, ctypes, errno, os, pathlib, pwd, re, shlex, socket, subprocess

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
EQUAL, GREATER = 4, 6


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


class Filter:
    """A filter of libseccomp's, with what happens to all that no rule names."""
    lib = ctypes.CDLL("libseccomp.so.2")
    lib.seccomp_init.restype = ctypes.c_void_p

    def __init__(self, otherwise):
        self.at, self.otherwise = ctypes.c_void_p(self.lib.seccomp_init(ctypes.c_uint32(otherwise))), otherwise

    def rule(self, action, name, *compares):
        number = self.lib.seccomp_syscall_resolve_name(name.encode())
        if number < 0 or action == self.otherwise:
            return  # no call of this machine's
        said = self.lib.seccomp_rule_add_array(self.at, ctypes.c_uint32(action), number, len(compares), (Compare * max(len(compares), 1))(*compares))
        assert said == 0, f"{name}: {os.strerror(-said)}"

    def load(self):
        said = self.lib.seccomp_load(self.at)
        assert said == 0, os.strerror(-said)


def calls_of(word):
    """A call's name, or those of a set of systemd's and of the sets in it."""
    if not word.startswith("@"):
        return {word}
    lines = subprocess.run(["systemd-analyze", "syscall-filter", word], check=True, capture_output=True, text=True).stdout.splitlines()[1:]
    return {call for line in lines if line.strip() and not line.strip().startswith("#") for call in calls_of(line.strip())}


class Unit:
    def __init__(self, path, instance):
        self.name = path.stem.rstrip("@") + (f"@{instance}" if path.stem.endswith("@") else "")
        text = path.read_text().replace("%i", instance).replace("%N", self.name)
        self.lines = re.findall(r"^(\w+)=(.*)$", text, re.M)

    def all(self, key):
        return [value for name, value in self.lines if name == key]

    def last(self, key):
        return self.all(key)[-1]

    def environment(self):
        said = self.all("Environment")
        for path in self.all("EnvironmentFile"):
            path = pathlib.Path(path.removeprefix("-"))
            said += path.read_text().splitlines() if path.exists() else []
        return dict(line.split("=", 1) for line in said if re.match(r"\w+=", line))

    def families(self):
        allowed = {getattr(socket, name) for name in self.last("RestrictAddressFamilies").split()}
        filtered = Filter(ALLOW)
        for family in {*range(max(allowed))} - allowed:
            filtered.rule(ERRNO | errno.EAFNOSUPPORT, "socket", Compare(0, EQUAL, family, 0))
        filtered.rule(ERRNO | errno.EAFNOSUPPORT, "socket", Compare(0, GREATER, max(allowed), 0))
        return filtered

    def calls(self):
        allowed = set()
        for line in self.all("SystemCallFilter"):
            named = {call for word in line.removeprefix("~").split() for call in calls_of(word)}
            allowed = allowed - named if line.startswith("~") else allowed | named
        filtered = Filter(ERRNO | getattr(errno, self.last("SystemCallErrorNumber")))
        for call in sorted(allowed):
            filtered.rule(ALLOW, call)
        return filtered


def become(root, user):
    os.chroot(root)
    who = pwd.getpwnam(user)  # as that system knows it
    os.initgroups(user, who.pw_gid)
    os.setgid(who.pw_gid)
    os.setuid(who.pw_uid)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path)
    parser.add_argument("unit", type=pathlib.Path)
    parser.add_argument("instance", nargs="?", default="1")
    args = parser.parse_args()
    unit = Unit(args.unit, args.instance)
    filters = [unit.families(), unit.calls()]
    if args.root:
        become(args.root, unit.last("User"))
    os.umask(int(unit.last("UMask"), 8))
    os.chdir(unit.last("WorkingDirectory"))
    command = shlex.split(unit.last("ExecStart"))
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **unit.environment()}
    for each in filters:
        each.load()
    os.execve(command[0], command, environment)


if __name__ == "__main__":
    main()
