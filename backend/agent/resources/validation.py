"""What is wrong with a resource, all of it at once, as sentences; nothing is run or looked up."""

from __future__ import annotations

import re

from backend.agent.resources.kinds import OCF_ROOT, ocf_agent, option, words
from backend.agent.settings import Resource

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_UNIT = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9:_.@\\-]{0,200}\.(service|target|mount|socket|path|timer|automount)"
)
_OCF_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_TYPE = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_MOUNT_OPTIONS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=:/@%+,-]{0,500}")
_DEVICE = re.compile(
    r"/dev/[^\s,]{1,200}"
    r"|(UUID|LABEL|PARTUUID|PARTLABEL)=[^\s,\"']{1,100}"
    r"|[A-Za-z0-9\[][A-Za-z0-9.:\[\]-]{0,200}:/?[^\s,]{0,200}"  # of a file server
    r"|//[A-Za-z0-9][^\s,]{1,200}"
    r"|/[^\s,]{1,200}"  # a directory, to be bound elsewhere
    r"|[a-z][a-z0-9_/-]{0,100}"  # tmpfs; a ZFS dataset
)
_SYSTEM = ("/", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run",
           "/sbin", "/sys", "/tmp", "/usr", "/var")  # fmt: skip  # noqa: S108 - refused ones
_OURS = ("haoscar-agent.service",)
_SHELL = re.compile(r"[\"'`$|;&<>\\*?{}()]")
_KEYS = {
    "unit": (("unit",), ()),
    "mount": (("device", "directory"), ("type", "options")),
    "command": (("start", "stop"), ("check",)),
}
_ACTION = re.compile(r'<action\s+name="(start|stop)"[^>]{0,200}timeout="(\d{1,6})s?"')


def problems(resource: Resource) -> tuple[str, ...]:
    """Return every problem of one resource as a sentence; empty when there is none.

    What is between resources (names twice, unknown names and rings in ``after``) is not looked
    at here. The programs that must be there: ``programs_of``.
    """
    found = []
    if not _NAME.fullmatch(resource.name):
        found.append(
            f"{ascii(resource.name)[:80]} is no name for a resource: use letters, digits, dots, "
            "hyphens and underscores, 64 at most."
        )
    check = {"unit": _unit, "ocf": _ocf, "mount": _mount, "command": _command}.get(resource.kind)
    if check is None:
        found.append(f"{ascii(resource.kind)[:40]} is no kind: use unit, ocf, mount or command.")
    else:
        found += _options(resource)
        found += check(resource)
    for what, value in (("start", resource.start_limit), ("stop", resource.stop_limit)):
        if not 0.1 <= value <= 3600:
            found.append(f"{what}_limit: {value:g} s is not between 0.1 and 3600 s.")
    if resource.check_every and not 0.5 <= resource.check_every <= 3600:
        found.append(f"check_every: {resource.check_every:g} s is not between 0.5 and 3600 s.")
    return tuple(f"{resource.name}: {text}" if _NAME.fullmatch(resource.name) else text for text in found)  # fmt: skip


def programs_of(resource: Resource) -> tuple[str, ...]:
    """Return the paths of the programs that a resource needs, beyond systemctl and mount."""
    if resource.kind == "ocf":
        provider, kind = ocf_agent(option(resource, "agent"))
        return (f"{OCF_ROOT}/resource.d/{provider}/{kind}",)
    if resource.kind == "command":
        commands = [words(option(resource, name)) for name in ("start", "stop", "check")]
        return tuple(dict.fromkeys(one[0] for one in commands if one))
    return ()


def advice(resource: Resource, metadata: str) -> tuple[str, ...]:
    """Return where a limit is shorter than what an OCF agent's meta-data advises."""
    limits = {"start": resource.start_limit, "stop": resource.stop_limit}
    return tuple(
        f"{resource.name}: {action}_limit is {limits[action]:g} s; "
        f"{option(resource, 'agent')} advises {seconds} s at least."
        for action, seconds in _ACTION.findall(metadata)
        if limits[action] < int(seconds)
    )


def _options(resource: Resource) -> list[str]:
    """Unknown, missing and repeated options, and values that nothing can take."""
    names = [name for name, _ in resource.options]
    found = [f"options: {name} is there twice." for name in dict.fromkeys(names) if names.count(name) > 1]  # fmt: skip
    if resource.kind in _KEYS:
        needed, possible = _KEYS[resource.kind]
        found += [f"options: {name} is missing." for name in needed if name not in names]
        found += [
            f"options: {ascii(name)[:80]} means nothing here; known are {', '.join((*needed, *possible))}."
            for name in dict.fromkeys(names)
            if name not in (*needed, *possible)
        ]
    for name, value in resource.options:
        if not value.isprintable() or len(value) > 4096:
            found.append(
                f"options: the value of {ascii(name)[:80]} has characters that cannot be printed, "
                "or is too long."
            )
    return found


def _unit(resource: Resource) -> list[str]:
    name = option(resource, "unit")
    if name in _OURS:
        return [f"options: {name} is the failover agent itself."]
    if name and not _UNIT.fullmatch(name):
        return [
            f"options: {ascii(name)[:80]} is not the name of a unit, such as nfs-server.service."
        ]
    return []


def _ocf(resource: Resource) -> list[str]:
    found = []
    agent = option(resource, "agent")
    if not all(_OCF_WORD.fullmatch(word) for word in ocf_agent(agent)):
        found.append(
            f"options: agent is {ascii(agent)[:80]}; write it as ocf:heartbeat:Filesystem."
        )
    for name, _ in resource.options:
        if not _PARAMETER.fullmatch(name):
            found.append(f"options: {ascii(name)[:80]} is not the name of an OCF parameter.")
    return found


def _mount(resource: Resource) -> list[str]:
    found = []
    device, directory = option(resource, "device"), option(resource, "directory")
    kind, options = option(resource, "type"), option(resource, "options")
    if device and (not _DEVICE.fullmatch(device) or ".." in device.split("/")):
        found.append(
            f"options: device is {ascii(device)[:200]}; write /dev/..., UUID=..., LABEL=..., "
            "server:/path or the name of what is mounted."
        )
    if directory and not _plain_path(directory):
        found.append(
            f"options: directory is {ascii(directory)[:200]}; write an absolute path without "
            "blanks, '..' and doubled slashes."
        )
    elif directory in _SYSTEM:
        found.append(f"options: {directory} belongs to the system; mount somewhere else.")
    if kind and not _TYPE.fullmatch(kind):
        found.append(f"options: {ascii(kind)[:80]} is no type of file system.")
    if options and not _MOUNT_OPTIONS.fullmatch(options):
        found.append(
            f"options: options is {ascii(options)[:200]}; write them as for mount -o, with commas."
        )
    return found


def _plain_path(path: str) -> bool:
    parts = path.split("/")[1:]
    plain = path.startswith("/") and not any(one.isspace() for one in path)
    return plain and (path == "/" or all(part not in ("", ".", "..") for part in parts))


def _command(resource: Resource) -> list[str]:
    found = []
    if resource.exclusive and not option(resource, "check"):
        found.append(
            "options: check is missing: what must never run twice needs a program that tells "
            "whether it runs (0: it does; 3: it does not)."
        )
    for name in ("start", "stop", "check"):
        text = option(resource, name)
        if text and _SHELL.search(text):
            found.append(
                f"options: no shell reads {name}: quotes, variables, pipes and the like mean "
                "nothing. Put them into a script, and name that."
            )
        elif text and not _plain_path(words(text)[0] if words(text) else ""):
            found.append(f"options: {name} must begin with the absolute path of a program.")
    return found
