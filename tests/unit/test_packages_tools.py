"""apt and dnf: what is asked of them, and what is read from their recorded output."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.clone.installer import NEEDED
from backend.errors import Cancelled, CommandFailed, InvalidInput, Refused
from backend.model.distribution import Family
from backend.packages import apt, dnf
from backend.packages.apt import Apt
from backend.packages.catalog import HEAD, install_plan, missing, states, wanted
from backend.packages.dnf import Dnf
from backend.packages.installer import DistributionTool, package_tool
from backend.packages.names import checked
from backend.paths import Paths
from backend.system.runner import Command, Result, failure
from backend.system.services import NoServices, UnitFacts
from backend.tasks import CancelToken, Event, Progress, TaskContext

SIMULATED = """Reading package lists...
The following NEW packages will be installed:
  cowsay libtext-charwidth-perl
Inst libtext-charwidth-perl (0.04-11 Debian:12 [amd64])
Inst cowsay (3.03+dfsg2-8 Debian:12 [all])
Conf libtext-charwidth-perl (0.04-11 Debian:12 [amd64])
"""
REMOVES = "Remv initramfs-tools [0.142]\nInst dracut (059-4 Debian:12 [all])\n"
INSTALLING = [
    "Get:1 http://deb.debian.org/debian bookworm/main amd64 libx amd64 0.04 [14 kB]",
    "Get:2 http://deb.debian.org/debian bookworm/main amd64 cowsay all 3.03 [20 kB]",
    "Selecting previously unselected package cowsay.",
    "Preparing to unpack .../cowsay.deb ...",
    "Unpacking libx:amd64 (0.04) ...",
    "Unpacking cowsay (3.03) over (3.02) ...",
    "Setting up libx:amd64 (0.04) ...",
    "Setting up cowsay (3.03) ...",
    "Processing triggers for man-db (2.11) ...",
]


class Machine:
    """Answers programs as a machine would, and remembers what was run."""

    def __init__(
        self, before: str, after: str, simulated: str = SIMULATED, lines: Iterable[str] = ()
    ) -> None:
        self.installed = [before, after]
        self.simulated = simulated
        self.lines = list(lines)
        self.ran: list[str] = []
        self.fail_simulations = 0
        self.env: Mapping[str, str] = {}

    def run(self, command: Command, *, check: bool = True) -> Result:
        words = command.argv
        self.ran.append(" ".join(words))
        if words[0] in ("dpkg-query", "rpm"):
            return Result(command, 0, self.installed[0], "", 0.0)
        if "--simulate" in words or "--assumeno" in words:
            if self.fail_simulations:
                self.fail_simulations -= 1
                raise failure(Result(command, 100, "", "E: Unable to locate package cowsay", 0.0))
            return Result(command, 1 if words[0] == "dnf" else 0, self.simulated, "", 0.0)
        return Result(command, 0, "", "", 0.0)

    def stream(
        self, command: Command, on_line: Callable[[str], None], *,
        cancelled: Callable[[], bool] = lambda: False, check: bool = True,
    ) -> Result:  # fmt: skip
        self.ran.append(" ".join(command.argv))
        self.env = command.env
        for line in self.lines:
            on_line(line)
        if "update" not in command.argv:
            self.installed.pop(0)
        return Result(command, 0, "", "", 0.0)


class Units:
    """systemd as the package scripts leave it."""

    available = True

    def __init__(self) -> None:
        self.asked = 0

    def units(self, names: Iterable[str]) -> Mapping[str, UnitFacts]:
        self.asked += 1
        present = self.asked > 1
        return {one: UnitFacts(one, present and one == "tftpd-hpa.service") for one in names}


BEFORE = "installed dpkg\nconfig-files cowsay\n"
AFTER = "installed dpkg\ninstalled cowsay\ninstalled libtext-charwidth-perl\n"


def test_apt_installs_with_real_percentages_and_names_what_is_new() -> None:
    machine = Machine(BEFORE, AFTER, lines=INSTALLING)
    events: list[Event] = []
    new = Apt(machine, NoServices()).install(["cowsay"], TaskContext(events.append))
    assert new == ("cowsay", "libtext-charwidth-perl")
    shares = [
        event.share for event in events if isinstance(event, Progress) and event.share is not None
    ]
    assert shares == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1.0])
    assert any(isinstance(event, Progress) and event.detail == "fetching libx" for event in events)
    command = machine.ran[-2]
    for word in (
        "--no-install-recommends",
        "--assume-yes",
        "--no-remove",
        "DPkg::Lock::Timeout=600",
    ):
        assert word in command
    assert machine.env["DEBIAN_FRONTEND"] == "noninteractive"


def test_apt_does_nothing_when_everything_is_there() -> None:
    machine = Machine(AFTER, AFTER)
    assert Apt(machine, NoServices()).install(["cowsay"], TaskContext()) == ()
    assert len(machine.ran) == 1


def test_apt_that_would_remove_something_is_refused() -> None:
    machine = Machine(BEFORE, AFTER, REMOVES)
    with pytest.raises(Refused, match="initramfs-tools"):
        Apt(machine, NoServices()).install(["dracut"], TaskContext())
    assert not any("--assume-yes" in one for one in machine.ran)


def test_unknown_packages_are_looked_for_in_fresh_lists() -> None:
    machine = Machine(BEFORE, AFTER)
    machine.fail_simulations = 1
    Apt(machine, NoServices()).install(["cowsay"], TaskContext())
    assert [one.split()[-1] for one in machine.ran if "update" in one] == ["update"]
    machine = Machine(BEFORE, AFTER)
    machine.fail_simulations = 2
    with pytest.raises(CommandFailed, match="Unable to locate"):
        Apt(machine, NoServices()).install(["cowsay"], TaskContext())


def test_new_daemons_are_held_while_apt_works_and_left_disabled() -> None:
    machine = Machine(BEFORE, AFTER)
    Apt(machine, Units()).install(["cowsay"], TaskContext())
    order = [one for one in machine.ran if one.startswith("systemctl") or "--assume-yes" in one]
    assert order[0].startswith("systemctl mask --runtime -- isc-dhcp-server.service")
    assert "--assume-yes" in order[1]
    assert order[2].startswith("systemctl unmask --runtime --")
    assert order[3] == "systemctl disable -- tftpd-hpa.service"


def test_a_cancel_does_not_kill_apt_and_the_caller_learns_what_is_new() -> None:
    token = CancelToken()

    def listener(event: Event) -> None:
        if isinstance(event, Progress) and event.done:
            token.cancel()

    machine = Machine(BEFORE, AFTER, lines=INSTALLING)
    new = Apt(machine, NoServices()).install(["cowsay"], TaskContext(listener, token))
    assert new == ("cowsay", "libtext-charwidth-perl")
    with pytest.raises(Cancelled):
        Apt(Machine(BEFORE, AFTER), NoServices()).install(["cowsay"], TaskContext(listener, token))


def test_what_a_failed_apt_left_is_taken_away_again() -> None:
    class Broken(Machine):
        def stream(self, command: Command, *rest: object, **more: object) -> Result:
            self.installed = ["installed dpkg\nhalf-configured cowsay\nunpacked libx\n"]
            raise CommandFailed.of("command.failed", "apt-get failed: disk full")

    machine = Broken(BEFORE, AFTER)
    with pytest.raises(CommandFailed, match="disk full"):
        Apt(machine, NoServices()).install(["cowsay"], TaskContext())
    assert machine.ran[-1].endswith("purge -- cowsay libx")


def test_apt_removes_what_is_there_and_nothing_else() -> None:
    machine = Machine(AFTER, AFTER, "Purg cowsay [3.03]\n")
    Apt(machine, NoServices()).remove(["cowsay", "gone"])
    assert machine.ran[-1].endswith("purge -- cowsay")
    machine = Machine(AFTER, AFTER, "Purg cowsay [3.03]\nPurg needs-it [1]\n")
    with pytest.raises(Refused, match="needs-it"):
        Apt(machine, NoServices()).remove(["cowsay"])


TRANSACTION = """Last metadata expiration check: 0:10:00 ago on Sun Nov 22 10:00:00 2026.
Dependencies resolved.
================================================================================
 Package             Architecture   Version               Repository       Size
================================================================================
Installing:
 tftp-server         x86_64         5.2-38.el9            appstream        40 k
Removing:
 old-tftp            x86_64         1.0-1.el9             @System         1.2 M
Removing dependent packages:
 old-helper          noarch         2:1.0-1.el9           @System          12 k

Transaction Summary
================================================================================
Install  1 Package
Operation aborted.
"""
KEEPS = TRANSACTION.replace("Removing:\n", "").replace("Removing dependent packages:\n", "")
DNF_LINES = [
    "(1/2): tftp-server-5.2-38.el9.x86_64.rpm        1.0 MB/s |  40 kB     00:00",
    "  Preparing        :                                                        1/1",
    "  Installing       : tftp-server-5.2-38.el9.x86_64                          1/2",
    "  Running scriptlet: tftp-server-5.2-38.el9.x86_64                          2/2",
    "  Verifying        : tftp-server-5.2-38.el9.x86_64                          1/2",
]  # fmt: skip


def test_dnf_installs_and_names_what_is_new() -> None:
    machine = Machine("bash\n", "bash\ntftp-server\nxinetd\n", KEEPS, DNF_LINES)
    events: list[Event] = []
    new = Dnf(machine).install(["tftp-server", "bash"], TaskContext(events.append))
    assert new == ("tftp-server", "xinetd")
    assert (
        "dnf --setopt=install_weak_deps=False --color=never install --assumeyes tftp-server"
        in machine.ran
    )
    shares = [one.share for one in events if isinstance(one, Progress) and one.share is not None]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_dnf_removals_are_read_and_refused() -> None:
    assert dnf.parse_removals(TRANSACTION) == ("old-tftp", "old-helper")
    assert dnf.parse_removals(KEEPS) == ()
    with pytest.raises(Refused, match="old-tftp, old-helper"):
        Dnf(Machine("bash\n", "bash\n", TRANSACTION)).install(["tftp-server"], TaskContext())
    machine = Machine("old-tftp\nold-helper\n", "", TRANSACTION)
    Dnf(machine).remove(["old-tftp", "old-helper"])
    assert machine.ran[-1].endswith("remove --noautoremove --assumeyes old-tftp old-helper")


def test_dnf_that_cannot_resolve_says_so() -> None:
    machine = Machine("bash\n", "bash\n", "Error: Unable to find a match: nosuch\n")
    with pytest.raises(CommandFailed, match="nosuch"):
        Dnf(machine).install(["nosuch"], TaskContext())


@pytest.mark.parametrize("name", ["-o", "a b", "cowsay-", "cowsay+", "", "a;b", "ä", "../x", "*"])
def test_what_is_no_package_name_never_reaches_the_tool(name: str) -> None:
    with pytest.raises(InvalidInput):
        checked(["bash", name])


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_no_line_crashes_the_readers(line: str) -> None:
    counter = apt.InstallProgress(1)
    for text in (
        line,
        f"Get:1 {line}",
        f"Unpacking {line}",
        f"  X : {line} 1/2",
        f"Removing:\n {line}",
    ):
        for status in (counter.line(text), dnf.parse_progress(text)):
            assert status is None or 0 <= status[0] <= 100.001
        apt.parse_simulation(text)
        dnf.parse_removals(text)


def test_the_catalogue_covers_both_families_and_never_takes_dracut_on_debian() -> None:
    debian, rhel = wanted(Family.DEBIAN), wanted(Family.RHEL)
    assert "dracut" not in debian
    assert {"dracut-core", "dracut-network", "isc-dhcp-server", "tftpd-hpa"} <= debian.keys()
    assert {"dracut", "dhcp-server", "tftp-server", "rsync-rrsync"} <= rhel.keys()
    assert all(need.debian and need.rhel and need.purpose.endswith(".") for need in HEAD)
    assert wanted(Family.OTHER) == {}
    checked([*debian, *rhel])


def test_what_the_installer_image_is_made_of_is_in_the_catalogue() -> None:
    assert {debian for _, debian, _ in NEEDED} <= wanted(Family.DEBIAN).keys()
    assert {rhel for _, _, rhel in NEEDED} <= wanted(Family.RHEL).keys()


def test_missing_and_the_plan() -> None:
    everything = frozenset(wanted(Family.DEBIAN))
    assert missing(Family.DEBIAN, everything - {"xorriso"}) == ("xorriso",)
    assert all(one.installed for one in states(Family.DEBIAN, everything))
    (step,) = install_plan(("xorriso",)).steps
    assert step.names == ("xorriso",)  # type: ignore[union-attr]
    assert install_plan(()).steps == ()


def test_the_tool_follows_the_distribution(tmp_path: Path) -> None:
    release = tmp_path / "etc" / "os-release"
    release.parent.mkdir()
    machine = Machine("", "")
    for text, kind in (("ID=debian", Apt), ("ID=almalinux", Dnf)):
        release.write_text(text)
        assert isinstance(package_tool(Paths(tmp_path), machine), kind)
    release.write_text("ID=plan9")
    with pytest.raises(Refused, match="plan9"):
        DistributionTool(Paths(tmp_path), machine).install(["x"], TaskContext())
