"""The ticket script: every word quoted, in the right order, understood by a real shell."""

import os
import shutil
import subprocess
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.clone.constants import TARGET
from backend.clone.script import TicketSteps, call, first_boot_steps, render_ticket, step_lines
from backend.clone.steps import Move, Remove, Run, Write
from backend.errors import HaoscarError
from backend.imaging.checklists import check_lists, find_words
from backend.imaging.manifest import read_manifest
from backend.imaging.manifest_write import write_manifest
from backend.model.site import OnFailure, PostInstall
from backend.tasks import TaskContext
from tests.unit.test_clone_ticket import key

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


class Disk:
    partition = (Run(("sfdisk", "/dev/sda"), "partition", stdin="label: gpt\nx='$(id)'\n"),)
    format = (Run(("mke2fs", "-L", "a b", "/dev/sda1"), "format"),)
    mount = (Run(("mount", "/dev/sda1", TARGET), "mount"),)
    unmount = (Run(("umount", TARGET), "unmount", may_fail=True),)


def steps(**changes: object) -> TicketSteps:
    values: dict[str, object] = {
        "disk": Disk(),
        "identity": (Write("/etc/hostname", "it's\n", "name"), Remove("/etc/machine-id", "own")),
        "loader": (Run(("grub-install", "/dev/sda"), "loader", chroot=True),),
        "first_boot": first_boot_steps(IPv4Address("10.0.0.1"), key()),
        "reduced": ("boot/efi",),
        "ignored": ("lost+found",),
        "compression": ("--compress",),
        **changes,
    }
    return TicketSteps(**values)  # type: ignore[arg-type]


def test_everything_happens_in_order() -> None:
    script = render_ticket(steps(on_failure=OnFailure.WAIT, post_install=PostInstall.BEEP))
    wanted = [
        "# haoscar-ticket 1", "ON_FAILURE=wait", "stage partition", "feed partition 'label: gpt",
        "stage format", "run format mke2fs -L 'a b' /dev/sda1", "run mount mount", "stage copy",
        "copy :image/ / -aHAX", "copy :image/ /boot/efi/ -rt", "stage verify", "verify find",
        "stage identity", "enter", "put /etc/hostname 644", "drop /etc/machine-id",
        "keep_key /var/lib/haoscar/first-boot", "put /var/lib/haoscar/first-boot/known_hosts 600",
        "link /etc/systemd/system/haoscar-first-boot.service", "stage bootloader",
        "run loader chroot /sysroot grub-install /dev/sda", "leave", "try unmount umount",
        "done_with", "finish beep", "# end of ticket",
    ]  # fmt: skip
    position = 0
    for line in wanted:
        found = script.find(line, position)
        assert found >= position, line
        position = found
    assert script.endswith("# end of ticket\n")


def test_the_private_key_never_passes_through_the_head() -> None:
    assert "PRIVATE" not in render_ticket(steps())


@pytest.mark.parametrize("path", ["etc/x", "/etc/../../x", ""])
def test_only_paths_of_the_clone(path: str) -> None:
    with pytest.raises(HaoscarError):
        step_lines([Write(path, "", "")])


def test_no_nul_reaches_a_shell() -> None:
    with pytest.raises(HaoscarError):
        call("put", "a\0b")


@pytest.mark.programs
@given(st.lists(WORDS, min_size=1, max_size=6))
def test_words_arrive_as_they_are(words: list[str]) -> None:
    line = call("show", *words)
    shell = "show() { printf '%s\\0' \"$@\"; }\n" + line
    said = subprocess.run(["bash", "-c", shell], stdout=subprocess.PIPE, check=True).stdout
    assert said.decode().split("\0")[:-1] == words


@pytest.mark.programs
def test_bash_understands_a_ticket_and_every_script() -> None:
    said = subprocess.run(["bash", "-n"], input=render_ticket(steps()).encode(), check=False)
    assert said.returncode == 0
    directory = Path(__file__).parents[2] / "templates/installer"
    for script in directory.glob("*.sh"):
        assert subprocess.run(["bash", "-n", script], check=False).returncode == 0, script
    assert subprocess.run(["sh", "-n", directory / "first-boot.sh"], check=False).returncode == 0


LIBRARY = Path(__file__).parents[2] / "templates/installer"


def run_words(target: Path, lines: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run lines of a ticket with the installer's own functions; failing ends the shell."""
    script = "\n".join(
        [
            f". {LIBRARY}/lib.sh", f". {LIBRARY}/steps.sh",
            f"RUN={target}/run TARGET={target}/clone LOG={target}/run/log",
            'fail() { echo "FAILED: $1"; exit 1; }', *lines,
        ]
    )  # fmt: skip
    (target / "run").mkdir()
    (target / "clone").mkdir(exist_ok=True)
    return subprocess.run(["bash", "-c", script], text=True, capture_output=True, check=False)


@pytest.mark.programs
def test_files_are_written_moved_and_removed_in_the_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    (clone / "etc").mkdir(parents=True)
    (clone / "etc/old").write_text("old")
    (clone / "etc/gone").write_text("gone")
    (clone / "etc/link").symlink_to("/etc/passwd")
    said = run_words(
        tmp_path,
        step_lines(
            [
                Write("/etc/link", "text with 'quotes'\n$(id)\n", "", 0o600),
                Move("/etc/old", "/var/kept/old", ""),
                Move("/etc/none", "/var/kept/none", ""),
                Remove("/etc/gone", ""),
                Remove("/nowhere/gone", ""),
            ]
        ),
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert (clone / "etc/link").read_text() == "text with 'quotes'\n$(id)\n"
    assert not (clone / "etc/link").is_symlink()
    assert (clone / "etc/link").stat().st_mode & 0o777 == 0o600
    assert (clone / "var/kept/old").read_text() == "old"
    assert not (clone / "etc/gone").exists()
    assert not (clone / "var/kept/none").exists()


@pytest.mark.programs
def test_a_link_of_the_image_cannot_lead_out_of_the_clone(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone/etc").symlink_to(outside)
    said = run_words(tmp_path, step_lines([Write("/etc/hostname", "x", "")]))
    assert said.returncode == 1
    assert "leads out of it" in said.stdout
    assert list(outside.iterdir()) == []


@pytest.mark.programs
def test_a_failing_program_ends_the_installation_and_a_permitted_failure_does_not(
    tmp_path: Path,
) -> None:
    lines = step_lines([Run(("false",), "may", may_fail=True), Run(("false",), "must")])
    said = run_words(tmp_path, [*lines, "echo reached"])
    assert "FAILED: must failed (exit code 1): false" in said.stdout
    assert "reached" not in said.stdout


@pytest.mark.programs
def test_no_word_controls_the_machines_screen(tmp_path: Path) -> None:
    """The reason of a refusal came over HTTP, from whoever answered."""
    said = run_words(tmp_path, [call("console", "refused: \x1b[2J\x07caf\xe9", "\x9b")])
    line = said.stdout.rstrip("\n")
    assert "haoscar: refused: ?[2J?caf" in line
    assert line.isprintable()


@pytest.mark.programs
@pytest.mark.parametrize(
    "changes",
    [
        {"subnet": "255.255.x[$(touch broken)].0"},
        {"router": "10.0.0.1; touch broken"},
        {"router": "-6"},
        {"ip": "10.0.0.256"},
        {"ip": ""},
    ],
    ids=str,
)
def test_a_hostile_dhcp_server_gives_nothing_but_addresses(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    program = tmp_path / "ip"
    program.write_text("#!/bin/sh\ntouch called\n")
    program.chmod(0o755)
    lease = {"ip": "10.0.0.9", "subnet": "255.255.255.0", "interface": "eth9", **changes}
    said = subprocess.run(
        ["bash", LIBRARY / "dhcp-event.sh", "bound"], cwd=tmp_path, check=False,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", **lease},
    )  # fmt: skip
    assert said.returncode == 1
    assert [one.name for one in tmp_path.iterdir()] == ["ip"]


def damage_nothing(_clone: Path) -> None:
    pass


def damage_content(clone: Path) -> None:
    status = (clone / "etc/it's\n").stat()
    (clone / "etc/it's\n").write_text("damagef")
    os.utime(clone / "etc/it's\n", ns=(status.st_atime_ns, status.st_mtime_ns))


def damage_mode(clone: Path) -> None:
    (clone / "etc/shadow").chmod(0o644)


def damage_time(clone: Path) -> None:
    os.utime(clone / "etc/shadow", ns=(0, 1))


def damage_link(clone: Path) -> None:
    (clone / "etc/link").unlink()
    (clone / "etc/link").symlink_to("elsewhere")


def damage_hard_link(clone: Path) -> None:
    (clone / "etc/second").unlink()
    shutil.copy2(clone / "etc/shadow", clone / "etc/second")


def damage_by_adding(clone: Path) -> None:
    (clone / "more").write_text("more")


@pytest.mark.programs
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (damage_nothing, ""),
        (damage_content, "the content of copied files differs"),
        (damage_mode, "the copy differs"),
        (damage_time, "the copy differs"),
        (damage_link, "the copy differs"),
        (damage_hard_link, "the copy differs"),
        (damage_by_adding, "the copy differs"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_damaged_copy_is_noticed(
    tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    tree = tmp_path / "tree"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/it's\n").write_text("damaged")  # a name that has to be escaped
    (tree / "etc/shadow").write_text("secret")
    (tree / "etc/shadow").chmod(0o600)
    (tree / "etc/second").hardlink_to(tree / "etc/shadow")
    (tree / "etc/link").symlink_to("shadow")
    write_manifest(tree, tmp_path / "manifest", TaskContext())
    check_lists(read_manifest(tmp_path / "manifest"), (), ("lost+found",)).write(tmp_path)
    clone = tmp_path / "clone"
    subprocess.run(["cp", "-a", tree, clone], check=True)
    (clone / "lost+found").mkdir()
    subprocess.run(["touch", "-r", tree, clone], check=True)
    damage(clone)
    if damage is not damage_by_adding:
        subprocess.run(["touch", "-r", tree / "etc", clone / "etc"], check=True)
    lines = [
        "sync() { :; }", "DROP_CACHES=/dev/null", f'gate() {{ cat "{tmp_path}/${{1#check }}"; }}',
        call("verify", *find_words((), ("lost+found",))), "echo verified",
    ]  # fmt: skip
    said = run_words(tmp_path, lines)
    if words:
        assert f"FAILED: {words}" in said.stdout, said.stdout + said.stderr
    else:
        assert said.stdout == "verified\n", said.stdout + said.stderr
