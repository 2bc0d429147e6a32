"""A head whose services and packages a test can see, for the journal of changes."""

from dataclasses import dataclass, field
from pathlib import Path

from backend.change.plan import (
    Plan,
    WriteFile,
)
from backend.system.runner import Command, Result, failure

DHCPD = Path("/etc/dhcp/dhcpd.conf")
UNIT_FILE = Path("/etc/systemd/system/haoscar-boot.service")


@dataclass
class Systemd:
    """Answers systemctl and a check program as a machine with these units would."""

    enabled: set[str] = field(default_factory=set)
    active: set[str] = field(default_factory=set)
    refuses: set[str] = field(default_factory=set)  # "restart dhcpd", "dhcpd -t"
    said: list[str] = field(default_factory=list)
    booted: bool = True

    def run(self, command: Command, *, check: bool = True) -> Result:
        words = command.argv[1:] if command.argv[0] == "systemctl" else command.argv
        line = " ".join(words)
        if command.argv[0] == "systemctl" and not self.booted:
            return Result(command, 1, "", "System has not been booted with systemd as init.\n", 0)
        code, out = self._answer(words)
        if line in self.refuses:
            code, out = 1, "no\n"
        if words[0] not in ("is-enabled", "is-active"):
            self.said.append(line)
        result = Result(command, code, out, "", 0.0)
        if check and code:
            raise failure(result)
        return result

    def _answer(self, words) -> tuple[int, str]:
        unit = words[-1]
        match words[0]:
            case "is-enabled":
                return (0, "enabled\n") if unit in self.enabled else (1, "disabled\n")
            case "is-active":
                return (0, "active\n") if unit in self.active else (3, "inactive\n")
            case "enable":
                self.enabled.add(unit)
            case "disable":
                self.enabled.discard(unit)
            case "start" | "restart" if f"{words[0]} {unit}" not in self.refuses:
                self.active.add(unit)
            case "restart" | "stop":
                self.active.discard(unit)
        return 0, ""

    def stream(self, command, on_line, *, cancelled=lambda: False, check=True) -> Result:
        raise AssertionError(command)


@dataclass
class Packages:
    there: set[str] = field(default_factory=set)

    def install(self, names, context) -> tuple[str, ...]:
        new = tuple(name for name in names if name not in self.there)
        self.there.update(new)
        return new

    def remove(self, names) -> None:
        self.there.difference_update(names)


def write(path: Path = DHCPD, content: bytes = b"new\n", **more) -> WriteFile:
    return WriteFile(path, content, "test", **more)


def plan(*steps, title: str = "Configure DHCP") -> Plan:
    return Plan(title, "", steps)


def codes(caught) -> list[str]:
    return [report.code for report in caught.value.reports]
