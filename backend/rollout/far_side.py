"""What runs on a member: this file's text is given to its ``python3 -c``, a request to its stdin.

Only the standard library, and nothing newer than Python 3.6 knows: a member whose Python is too
old must still be able to say so. One JSON object in, one out. Every path of a request lies below
``root``, which is "/" except in tests.
"""

import base64
import contextlib
import hashlib
import json
import os
import shutil
import stat
import sys
from pathlib import Path
from typing import Any

SMALL = 65536  # bytes of a file whose text is sent back
NEW = ".new"  # a fixed name: what a cut connection left is overwritten the next time
PREVIOUS = ".previous"


def answer(text: str) -> "dict[str, Any]":
    """Do what a request asks; an error of the system is part of the answer, not raised."""
    request = json.loads(text)
    root = Path(request.get("root", "/"))
    try:
        if request["do"] == "facts":
            return dict(facts(root, request), ok=True)
        done = [act(root, one) for one in request["actions"]]
    except OSError as problem:
        return {"ok": False, "error": f"{problem.filename or '-'}: {problem.strerror}"}
    return {"ok": True, "done": done}


def facts(root: Path, request: "dict[str, Any]") -> "dict[str, Any]":
    """Return what is there; changes nothing."""
    return {
        "python": list(sys.version_info[:3]),
        "interpreter": sys.executable,
        "uid": os.geteuid(),
        "host": os.uname().nodename,
        "machine_id": first_line(at(root, "/etc/machine-id")),
        "systemd": at(root, "/run/systemd/system").is_dir(),
        "kernel": os.uname().release,
        "files": {one: look(at(root, one), one in request["secret"]) for one in request["files"]},
        "there": [one for one in request["places"] if there(at(root, one))],
        "free": {one: free(at(root, one)) for one in request["space"]},
    }


def look(path: Path, secret: bool) -> "dict[str, Any]":
    """Return kind, mode, owner, digest of a file, and its text when it is small and no secret."""
    if not there(path):
        return {"kind": "absent"}
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        return {"kind": "other"}
    content = path.read_bytes()
    text = None
    if not secret and len(content) <= SMALL:
        with contextlib.suppress(UnicodeDecodeError):
            text = content.decode("utf-8")
    return {
        "kind": "file",
        "mode": stat.S_IMODE(found.st_mode),
        "owner": found.st_uid,
        "size": len(content),
        "digest": hashlib.sha256(content).hexdigest(),
        "text": text,
    }


def act(root: Path, action: "dict[str, Any]") -> bool:
    """Do one thing to one path; returns whether there was anything to do."""
    path, do = at(root, action["path"]), action["do"]
    if do == "make_directory":
        return make_directory(path, action["mode"])
    if do == "write":
        return write(path, base64.b64decode(action["content"]), action["mode"])
    return bool({"restore": restore, "remove": remove, "remove_empty": remove_empty}[do](path))


def make_directory(path: Path, mode: int) -> bool:
    """Make a directory and its parents."""
    if path.is_dir():
        return False
    path.mkdir(0o755, parents=True)
    path.chmod(mode)
    return True


def write(path: Path, content: bytes, mode: int) -> bool:
    """Replace a file in one step, durable on disk, what was there kept under another name.

    What was kept before stays: it is what last ran well.
    """
    new, kept = path.with_name(f".{path.name}{NEW}"), previous(path)
    remove(new)
    try:
        descriptor = os.open(str(new), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        if there(path) and not there(kept):
            os.link(str(path), str(kept), follow_symlinks=False)
        new.replace(path)
    except OSError:
        remove(new)
        raise
    sync(path.parent)
    return True


def restore(path: Path) -> bool:
    """Put back what a file was before."""
    if not there(previous(path)):
        return False
    previous(path).replace(path)
    sync(path.parent)
    return True


def remove(path: Path) -> bool:
    """Remove a file, or a directory with all that is in it."""
    if not there(path):
        return False
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(str(path))
    else:
        path.unlink()
    return True


def remove_empty(path: Path) -> bool:
    """Remove a directory unless something is in it."""
    if not path.is_dir() or path.is_symlink() or any(path.iterdir()):
        return False
    path.rmdir()
    return True


def at(root: Path, path: str) -> Path:
    """Return a path of the machine below the root."""
    return root / path.lstrip("/")


def previous(path: Path) -> Path:
    """Return the name under which a file is kept while its successor proves itself."""
    return path.with_name(path.name + PREVIOUS)


def there(path: Path) -> bool:
    """Whether there is anything of that name, a link that leads nowhere included."""
    return path.is_symlink() or path.exists()


def free(path: Path) -> int:
    """Return the free bytes where a path is or will be."""
    while not path.is_dir():
        path = path.parent
    found = os.statvfs(str(path))
    return found.f_bavail * found.f_frsize


def first_line(path: Path) -> str:
    """Return the first line of a short text; nothing where it cannot be read."""
    try:
        return path.read_text(encoding="ascii", errors="replace")[:128].split("\n")[0].strip()
    except OSError:
        return ""


def sync(directory: Path) -> None:
    """Make a rename in a directory durable."""
    descriptor = os.open(str(directory), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answer(sys.stdin.read())) + "\n")
