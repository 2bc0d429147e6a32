"""What runs on a head about its snmpd: this text is given to its ``python3 -c``, as far_side's is.

Only the standard library, and nothing newer than Python 3.6. One JSON object in, one out. Of the
administrator's snmpd.conf only the few lines that matter leave the head: it may hold communities.
"""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

SEARCH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
CONF = "/etc/snmp/snmpd.conf"
CONFS = (CONF, "/etc/snmp/snmpd.local.conf")
PERSISTENT = ("/var/lib/snmp/snmpd.conf", "/var/lib/net-snmp/snmpd.conf")
SHOWN = re.compile(
    r"\s*(?:proc|disk|load|agentaddress|includeAllDisks|iquerySecName|agentSecName)\s.*",
    re.IGNORECASE,
)
INCLUDE = re.compile(r"\s*include(?P<what>Dir|File)\s+(?P<path>\S+)\s*", re.IGNORECASE)
LARGEST = 1 << 20  # bytes of a configuration file
STARTED = "NET-SNMP version"
WRONG = re.compile(r"error|warning: unknown token", re.IGNORECASE)


def answer(text: str) -> "dict[str, Any]":
    """Do what a request asks; an error of the system is part of the answer, not raised."""
    request = json.loads(text)
    do = {"facts": facts, "edit": edit, "validate": validate}[request["do"]]
    try:
        return dict(do(Path(request.get("root", "/")), request), ok=True)
    except (OSError, ValueError, subprocess.SubprocessError) as problem:
        return {"ok": False, "error": str(problem)[:300]}


def at(root: Path, path: str) -> Path:
    """Return a path of the machine below the root."""
    return root / path.lstrip("/")


def facts(root: Path, request: "dict[str, Any]") -> "dict[str, Any]":
    """Return what snmpd and the head are; changes nothing."""
    ours = set(request["ours"])
    files = configuration(root, ours)
    lines = [one.strip() for text in files.values() for one in text.splitlines()]
    main = files.get(CONF, "")
    return {
        "program": shutil.which("snmpd", path=SEARCH) or "",
        "conf": CONF in files,
        "lines": [one[:300] for one in lines if SHOWN.fullmatch(one + " ")],
        "directory": any(
            at(root, one).is_dir() and one in included(main) for one in [request["directory"]]
        ),
        "line": request["line"] in main.splitlines(),
        "cpus": os.cpu_count() or 1,
        "mounts": mounts(),
        "running": running(request["units"]),
        "threads": [one for one in request["threads"] if one in threads()],
        "os_release": first(root, "/etc/os-release", "/usr/lib/os-release"),
        "no_ciphers": no_ciphers(first(root, request.get("login", ""))),
    }


def no_ciphers(login: str) -> bool:
    """Whether a file with credentials names a user of SNMP v3, and nothing here could encrypt for it."""
    names = [one.partition("=")[0].strip() for one in login.splitlines()]
    return "user" in names and importlib.util.find_spec("cryptography") is None


def configuration(root: Path, ours: "set[str]") -> "dict[str, str]":
    """Return the text of each file that snmpd reads, but our own."""
    found = {}  # type: dict[str, str]
    left = [one for one in CONFS if at(root, one).is_file()]
    while left and len(found) < 100:
        path = left.pop(0)
        if path in found or path in ours or not at(root, path).is_file():
            continue
        found[path] = at(root, path).read_bytes()[:LARGEST].decode("utf-8", "replace")
        for line in found[path].splitlines():
            match = INCLUDE.fullmatch(line)
            if match and match.group("what").lower() == "file":
                left.append(match.group("path"))
            elif match:
                inside = at(root, match.group("path"))
                left += [
                    f"{match.group('path').rstrip('/')}/{one.name}"
                    for one in sorted(inside.glob("*.conf"))
                ]
    return found


def included(text: str) -> "set[str]":
    """Return the directories that a configuration includes."""
    found = (INCLUDE.fullmatch(line) for line in text.splitlines())
    return {
        one.group("path").rstrip("/") for one in found if one and one.group("what").lower() == "dir"
    }


def mounts() -> "list[str]":
    """Return where file systems are mounted."""
    lines = first(Path("/"), "/proc/mounts").splitlines()
    return sorted({one.split()[1].replace("\\040", " ") for one in lines if " " in one})


def running(units: "list[str]") -> "list[list[Any]]":
    """Return the units that run, each with the name of its main process and whether it is enabled."""
    if not units or not shutil.which("systemctl", path=SEARCH):
        return []
    shown = subprocess.run(
        ["systemctl", "show", "--property=Id,ActiveState,UnitFileState,MainPID", "--", *units],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, check=False,
    ).stdout.decode("utf-8", "replace")  # fmt: skip
    found = []
    for block in shown.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        pid = values.get("MainPID", "0")
        if values.get("ActiveState") == "active" and pid.isdigit() and int(pid):
            comm = first(Path("/"), f"/proc/{pid}/comm").strip()
            if comm and values.get("Id"):
                enabled = values.get("UnitFileState") not in ("disabled", "masked")
                found.append([values["Id"], comm, enabled])
    return found


def threads() -> "set[str]":
    """Return the names of the kernel's own processes."""
    found = set()
    for one in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if not (one / "cmdline").read_bytes():
                found.add((one / "comm").read_text().strip())
    return found


def first(root: Path, *paths: str) -> str:
    """Return the first of these files that can be read; nothing where there is none."""
    for path in paths:
        with contextlib.suppress(OSError):
            return at(root, path).read_text(encoding="utf-8", errors="replace")[:65536]
    return ""


def edit(root: Path, request: "dict[str, Any]") -> "dict[str, Any]":
    """Put a line before all of snmpd.conf, or take it out; give files its group; forget a user."""
    conf, line = at(root, CONF), request["line"] + "\n"
    done = []
    if conf.is_file():
        text = conf.read_bytes()
        there = text.startswith(line.encode()) or ("\n" + line).encode() in text
        if request["put"] and not there:
            replace(conf, line.encode() + text)
            done.append("put")
        if request["put"] is False and there:
            replace(conf, without(text, line.encode()))
            done.append("taken")
        for path in request.get("readable", ()):
            # snmpd reads its files again when it has become another user.
            os.chown(str(at(root, path)), -1, conf.stat().st_gid)
    if request.get("forget"):
        done += [path for path in PERSISTENT if forget(at(root, path), request["forget"])]
    return {"done": done}


def without(text: bytes, line: bytes) -> bytes:
    """Return a text without a line, and nothing else changed."""
    if text.startswith(line):
        return text[len(line) :]
    before, found, after = text.partition(b"\n" + line)
    return before + b"\n" + after if found else text


def forget(path: Path, user: str) -> bool:
    """Take a user out of what snmpd remembers; it must not run meanwhile."""
    if not path.is_file():
        return False
    names = {f'"{user}"', "0x" + user.encode().hex(), "0x" + user.encode().hex() + "00"}
    lines = path.read_bytes().splitlines(True)
    kept = [
        one for one in lines
        if not (one.startswith(b"usmUser ") and names & set(one.decode("utf-8", "replace").split()))
    ]  # fmt: skip
    if kept != lines:
        replace(path, b"".join(kept))
    return kept != lines


def replace(path: Path, content: bytes) -> None:
    """Replace a file in one step; owner and mode stay."""
    was = path.stat()
    new = path.with_name("." + path.name + ".haoscar")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    descriptor = os.open(str(new), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchown(descriptor, was.st_uid, was.st_gid)
        os.fchmod(descriptor, was.st_mode & 0o7777)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)


def validate(_root: Path, request: "dict[str, Any]") -> "dict[str, Any]":
    """Let snmpd itself read a configuration, on a socket of its own; returns what it complains of."""
    with tempfile.TemporaryDirectory(prefix="haoscar-snmpd-") as directory:
        file = Path(directory, "haoscar.conf")
        file.write_text(request["text"], encoding="utf-8")
        process = subprocess.Popen(
            [request.get("program") or "snmpd", "-f", "-Lo", "-C", "-c", str(file),
             "-I", "-smux", f"unix:{directory}/socket"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={"PATH": SEARCH, "SNMP_PERSISTENT_DIR": directory, "MIBS": "", "LC_ALL": "C"},
        )  # fmt: skip
        said, started = listen(process, request.get("limit", 15))
    lines = [one.replace(directory + "/", "")[:200] for one in said if WRONG.search(one)]
    return {"started": started, "wrong": list(dict.fromkeys(lines)), "last": said[-3:]}


def listen(process: "subprocess.Popen[bytes]", limit: float) -> "tuple[list[str], bool]":
    """Return what a snmpd says until it has started, and whether it did; it is ended then."""
    said = []  # type: list[str]
    killer = threading.Timer(limit, process.kill)
    killer.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.decode("utf-8", "replace").rstrip())
            if said[-1].startswith(STARTED):
                return said, True
        return said, False
    finally:
        killer.cancel()
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answer(sys.stdin.read())) + "\n")
