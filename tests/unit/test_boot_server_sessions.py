"""What an admitted key may do, in which order, and what the head makes of it."""

import asyncio
import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backend.clone import sessions as sessions_module
from backend.clone.answer import EXPECTED, Answer, Answerer, Expectation
from backend.clone.installs import Installs
from backend.clone.sessions import Sessions
from backend.clone.ticket import Ticket, TicketState
from backend.errors import Refused
from backend.model.addresses import Mac
from backend.model.site import Site
from backend.paths import Paths
from tests.clone_site import BOOT_MAC, site, standby
from tests.unit.test_clone_ticket import key

SITE = site().with_standby(standby())
MAC = Mac(BOOT_MAC)
EXPECTATION = Expectation("standby1", "abc-1", "/dev/sda3", "bios")
FACTS = {
    "hostname": "standby1", "cmdline": "BOOT_IMAGE=/vmlinuz root=UUID=abc-1 ro", "root": "/dev/sda3",
    "root_uuid": "abc-1", "machine_id": "0" * 32, "firmware": "bios",
}  # fmt: skip


class Writer:
    """Keeps what was sent."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    async def drain(self) -> None:
        pass


class FakeAnswerer(Answerer):
    """Answers without an image."""

    problem = ""

    def answer(self, site: Site, ticket: Ticket, text: bytes, record: Path) -> Answer:
        if FakeAnswerer.problem:
            raise Refused.of("disk.none", FakeAnswerer.problem)
        (record / EXPECTED).write_text(json.dumps(asdict(EXPECTATION)))
        return Answer("# script\n", ("boot/efi",), (), 5000, EXPECTATION, ())


class Head:
    """A boot server without sockets."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths = Paths(root)
        self.installs = Installs(self.paths)
        self.followed = 0
        self.held = 0  # image versions that cannot be deleted now
        head = self
        tree = root / "tree"
        (tree / "boot/efi").mkdir(parents=True)
        FakeAnswerer.problem = ""

        class Catalog:
            def __init__(self, _paths: Paths) -> None:
                pass

            def get(self, _name: str, _number: int) -> Any:
                return SimpleNamespace(tree=tree)

            @contextlib.contextmanager
            def using(self, version: Any) -> Iterator[Any]:
                head.held += 1
                yield version
                head.held -= 1

        def make_checks(_version: Any, _answer: Answer, record: Path) -> None:
            for name in ("content", "metadata", "xattrs"):
                (record / f"check.{name}").write_text(name)

        monkeypatch.setattr(sessions_module, "Catalog", Catalog)
        monkeypatch.setattr(sessions_module, "make_checks", make_checks)
        self.sessions = Sessions(
            self.installs, FakeAnswerer(self.paths, key(9)), lambda: SITE, self._changed
        )

    async def _changed(self) -> None:
        self.followed += 1

    def admitted(self) -> None:
        self.installs.arm(SITE, SITE.standbys[0], 1)
        self.installs.admit(MAC, key())

    @property
    def state(self) -> TicketState:
        found = self.installs.ticket(MAC)
        assert found is not None
        return found.state

    async def ask(
        self, command: str, data: bytes = b"", public: str = "", pid: int = 0
    ) -> tuple[Any, bytes]:
        """Return the gate's answer and what followed it."""
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        writer = Writer()
        question = {"key": public or key().line, "command": command, "pid": pid}
        await self.sessions.serve(question, reader, writer)  # type: ignore[arg-type]
        line, _, rest = writer.data.partition(b"\n")
        return json.loads(line), rest


@pytest.fixture
def head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Head:
    return Head(tmp_path, monkeypatch)


COPY = "rsync --server --daemon ."


def facts(**changes: str) -> bytes:
    return "".join(f"{name}={value}\n" for name, value in (FACTS | changes).items()).encode()


def served(head: Head) -> str:
    """Return the directory that the last session of rsync was locked into."""
    text = (head.installs.directory(MAC) / "rsyncd.conf").read_text()
    return text.rpartition("path = ")[2].strip()


async def whole(head: Head) -> None:
    """Go through an installation up to the first boot."""
    assert (await head.ask("inventory", b"x"))[1] == b"# script\n"
    answer, _ = await head.ask(COPY)
    assert answer["do"] == "exec"
    assert served(head) == f"{head.paths.root}/tree"
    assert head.held == 1
    assert (await head.ask("check content"))[1] == b"content"
    _, said = await head.ask("events", b"stage=copy uptime=3\nbytes=5000\nstage=done uptime=4\n")
    assert said == b"ok\n"


def test_an_installation_from_hello_to_its_first_boot(head: Head) -> None:
    async def run() -> None:
        head.admitted()
        await whole(head)
        assert head.state is TicketState.DONE
        assert head.held == 0
        assert (await head.ask("booted", facts()))[1] == b"ok\n"
        assert head.state is TicketState.BOOTED
        answer, _ = await head.ask("booted", facts())  # the key is forgotten
        assert answer["do"] == "refuse"
        assert answer["text"].startswith("refused")

    asyncio.run(run())
    state = head.installs.state(MAC)
    assert state is not None
    assert (state.done, state.total) == (5000, 5000)
    assert state.facts["hostname"] == "standby1"
    assert head.followed == 2


@pytest.mark.parametrize(
    "command",
    [
        "",
        "sh",
        "inventory now",
        "check shadow",
        "check ../ticket",
        "booted",
        "scp -f /etc/shadow",
        "rsync --server --sender -logDtpr . /etc/",
        COPY,
    ],
)
def test_nothing_else_is_allowed_before_the_inventory(head: Head, command: str) -> None:
    head.admitted()
    answer, _ = asyncio.run(head.ask(command))
    assert answer["do"] == "refuse"
    assert head.state is TicketState.ADMITTED


def test_another_key_gets_nothing(head: Head) -> None:
    head.admitted()
    for public in (key(2).line, "ssh-ed25519 nonsense", "x"):
        answer, _ = asyncio.run(head.ask("inventory", b"", public))
        assert answer["do"] == "refuse"


def test_each_part_is_copied_once(head: Head) -> None:
    async def run() -> list[str]:
        head.admitted()
        await head.ask("inventory", b"x")
        said = []
        for one in (COPY, COPY, COPY, "inventory"):
            answer, _ = await head.ask(one)
            said.append(served(head) if answer["do"] == "exec" else answer["do"])
        return said

    tree = f"{head.paths.root}/tree"
    assert asyncio.run(run()) == [tree, f"{tree}/boot/efi", "refuse", "refuse"]


@pytest.mark.parametrize(
    "command",
    [
        "rsync --server --daemon . /etc/",
        "rsync --server --daemon --config=/tmp/x .",
        "rsync  --server --daemon .",
        "rsync --server --sender -logDtprze.iLsfxCIvu . image/",
        "rsync --server -logDtpre.iLsfxC . image/",
        "rsync --daemon .",
    ],
)
def test_no_other_rsync(head: Head, command: str) -> None:
    async def run() -> Any:
        head.admitted()
        await head.ask("inventory", b"x")
        return (await head.ask(command))[0]["do"]

    assert asyncio.run(run()) == "refuse"


@pytest.mark.programs
def test_a_copy_ends_when_its_ticket_is_taken_back(head: Head) -> None:
    async def run(pid: int) -> None:
        head.admitted()
        await head.ask("inventory", b"x")
        await head.ask(COPY, pid=pid)
        head.sessions.enforce()
        assert copy.poll() is None
        head.installs.disarm(MAC)
        head.sessions.enforce()

    with subprocess.Popen(["sleep", "60"]) as copy:
        try:
            asyncio.run(run(copy.pid))
            assert copy.wait(5) == -signal.SIGKILL
        finally:
            copy.kill()
    assert head.held == 0


def test_a_session_of_an_earlier_ticket_changes_nothing(head: Head) -> None:
    """Its machine may lie, or may only have been switched off while its connection lingered."""
    again = key(7)

    async def run() -> None:
        head.admitted()
        await head.ask("inventory", b"x")
        reader = asyncio.StreamReader()
        question = {"key": key().line, "command": "events"}
        old = asyncio.create_task(head.sessions.serve(question, reader, Writer()))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        head.installs.disarm(MAC)
        head.installs.arm(SITE, SITE.standbys[0], 1)
        head.installs.admit(MAC, again)
        await head.ask("inventory", b"x", again.line)
        reader.feed_data(b"log=mischief\nstage=done uptime=1\nfailed=no\n")
        reader.feed_eof()
        await old

    asyncio.run(run())
    assert head.state is TicketState.RUNNING
    assert "mischief" not in str(head.installs.events(MAC))


def test_a_hello_that_is_repeated_leaves_one_event(head: Head) -> None:
    head.admitted()
    before = len(head.installs.events(MAC))
    head.installs.admit(MAC, key())
    assert len(head.installs.events(MAC)) == before


def test_a_link_in_the_image_does_not_lead_out_of_it(head: Head) -> None:
    efi = head.paths.root / "tree/boot/efi"
    efi.rmdir()
    efi.symlink_to("/etc")

    async def run() -> Any:
        head.admitted()
        await head.ask("inventory", b"x")
        await head.ask(COPY)
        return (await head.ask(COPY))[0]

    assert asyncio.run(run())["do"] == "refuse"


def test_a_refused_inventory_ends_the_installation(head: Head) -> None:
    FakeAnswerer.problem = "standby1 has no disk of 5 GiB."
    head.admitted()
    _, said = asyncio.run(head.ask("inventory", b"x"))
    assert said == b"refused: standby1 has no disk of 5 GiB.\n"
    assert head.state is TicketState.FAILED
    state = head.installs.state(MAC)
    assert state is not None
    assert state.failure == "standby1 has no disk of 5 GiB."


def test_a_failure_that_the_machine_reports_is_kept(head: Head) -> None:
    async def run() -> bytes:
        head.admitted()
        await head.ask("inventory", b"x")
        return (await head.ask("events", b"failed=sfdisk failed\n"))[1]

    assert asyncio.run(run()) == b"ok\n"
    assert head.state is TicketState.FAILED


def test_a_lost_connection_is_a_failure(head: Head) -> None:
    async def run() -> None:
        head.admitted()
        await head.ask("inventory", b"x")
        await head.ask("events", b"stage=copy uptime=3\n")

    asyncio.run(run())
    assert head.state is TicketState.FAILED


def test_done_is_not_believed_before_the_script_was_given(head: Head) -> None:
    head.admitted()
    _, said = asyncio.run(head.ask("events", b"stage=done uptime=1\n"))
    assert said == b""
    assert head.state is TicketState.FAILED


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cmdline": "haoscar.key=AAAA root=UUID=abc-1"}, "own boot loader"),
        ({"cmdline": "quiet"}, "own boot loader"),
        ({"root_uuid": "other"}, "not the file system"),
        ({"hostname": "head1"}, "not standby1"),
        ({"firmware": "uefi"}, "installed by bios"),
        ({"machine_id": ""}, "no machine-id"),
    ],
)
def test_a_first_boot_that_is_not_right_is_not_success(
    head: Head, changes: dict[str, str], words: str
) -> None:
    async def run() -> bytes:
        head.admitted()
        await whole(head)
        return (await head.ask("booted", facts(**changes)))[1]

    said = asyncio.run(run())
    assert said.startswith(b"refused: ")
    assert words in said.decode()
    assert head.state is TicketState.FAILED
