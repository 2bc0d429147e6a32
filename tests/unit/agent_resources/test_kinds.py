"""Which programs a resource runs, and what their ends mean."""

import pytest

from backend.agent.resources.kinds import Outcome, Verb, meaning, ocf_agent, program
from backend.agent.resources.validation import advice, problems, programs_of
from backend.agent.settings import Resource
from backend.system.agent.program import Ended, How

UNIT = Resource("nfs", "unit", (("unit", "nfs-server.service"),))
FILES = Resource(
    "home", "ocf",
    (("agent", "ocf:heartbeat:Filesystem"), ("device", "/dev/sdb1"), ("directory", "/home")),
    check_every=20.0, stop_limit=40.0,
)  # fmt: skip
MOUNT = Resource(
    "home", "mount",
    (("device", "UUID=ab-cd"), ("directory", "/home"), ("type", "ext4"), ("options", "noatime")),
)  # fmt: skip
COMMAND = Resource("lic", "command", (("start", "/opt/lic up all"), ("stop", "/opt/lic down"), ("check", "/opt/lic state")))  # fmt: skip


def exited(code: int, output: str = "") -> Ended:
    return Ended("job", How.EXITED, code, output, 1.0)


@pytest.mark.parametrize(
    ("resource", "verb", "argv"),
    [
        (UNIT, Verb.START, "systemctl --no-ask-password start -- nfs-server.service"),
        (UNIT, Verb.STOP, "systemctl --no-ask-password stop -- nfs-server.service"),
        (UNIT, Verb.PROBE, "systemctl is-active -- nfs-server.service"),
        (FILES, Verb.START, "/usr/lib/ocf/resource.d/heartbeat/Filesystem start"),
        (FILES, Verb.CHECK, "/usr/lib/ocf/resource.d/heartbeat/Filesystem monitor"),
        (MOUNT, Verb.START, "mount -t ext4 -o noatime -- UUID=ab-cd /home"),
        (MOUNT, Verb.STOP, "umount -- /home"),
        (MOUNT, Verb.PROBE, "findmnt --kernel --noheadings --mountpoint /home"),
        (MOUNT, Verb.CHECK, "findmnt --kernel --noheadings --options rw --mountpoint /home"),
        (COMMAND, Verb.START, "/opt/lic up all"),
        (COMMAND, Verb.CHECK, "/opt/lic state"),
    ],
)
def test_the_program(resource: Resource, verb: Verb, argv: str) -> None:
    assert program(resource, verb).argv == tuple(argv.split())


def test_a_stop_goes_on_when_the_agent_ends_and_limits_are_the_resources() -> None:
    assert program(FILES, Verb.STOP).finish
    assert program(FILES, Verb.STOP).limit == 40.0
    assert not program(FILES, Verb.START).finish
    assert program(FILES, Verb.START).limit == 60.0


def test_the_environment_of_an_ocf_agent() -> None:
    probe = dict(program(FILES, Verb.PROBE).environment)
    assert probe["OCF_ROOT"] == "/usr/lib/ocf"
    assert probe["OCF_RESOURCE_INSTANCE"] == "home"
    assert probe["OCF_RESKEY_device"] == "/dev/sdb1"
    assert probe["OCF_RESKEY_CRM_meta_interval"] == "0"
    assert "OCF_RESKEY_agent" not in probe
    check = dict(program(FILES, Verb.CHECK).environment)
    assert check["OCF_RESKEY_CRM_meta_interval"] == "20000"
    stop = dict(program(FILES, Verb.STOP).environment)
    assert stop["OCF_RESKEY_CRM_meta_timeout"] == "40000"


@pytest.mark.parametrize(
    ("resource", "verb", "ended", "outcome"),
    [
        (UNIT, Verb.CHECK, exited(0, "active\n"), Outcome.DONE),
        (UNIT, Verb.CHECK, exited(3, "inactive\n"), Outcome.STOPPED),
        (UNIT, Verb.CHECK, exited(3, "failed\n"), Outcome.FAILED),
        (UNIT, Verb.PROBE, exited(3, "failed\n"), Outcome.STOPPED),
        (UNIT, Verb.CHECK, exited(3, "activating\n"), Outcome.UNKNOWN),
        (UNIT, Verb.CHECK, exited(1, "Failed to connect to bus\n"), Outcome.UNKNOWN),
        (UNIT, Verb.CHECK, exited(0, ""), Outcome.UNKNOWN),
        (FILES, Verb.CHECK, exited(0), Outcome.DONE),
        (FILES, Verb.CHECK, exited(8), Outcome.DONE),
        (FILES, Verb.CHECK, exited(7), Outcome.STOPPED),
        (FILES, Verb.CHECK, exited(1), Outcome.FAILED),
        (FILES, Verb.CHECK, exited(9), Outcome.FAILED),
        *((FILES, Verb.CHECK, exited(code), Outcome.UNKNOWN) for code in (2, 3, 4, 5, 6, 99, 127)),
        (FILES, Verb.START, exited(7), Outcome.FAILED),
        (FILES, Verb.STOP, exited(5), Outcome.FAILED),
        (MOUNT, Verb.PROBE, exited(0, "/home /dev/sdb1\n"), Outcome.DONE),
        (MOUNT, Verb.PROBE, exited(1), Outcome.STOPPED),
        (MOUNT, Verb.PROBE, exited(1, "findmnt: can't read\n"), Outcome.UNKNOWN),
        (MOUNT, Verb.START, exited(32), Outcome.FAILED),
        (COMMAND, Verb.CHECK, exited(0), Outcome.DONE),
        (COMMAND, Verb.CHECK, exited(3), Outcome.STOPPED),
        (COMMAND, Verb.CHECK, exited(1), Outcome.FAILED),
        *((COMMAND, Verb.CHECK, exited(code), Outcome.UNKNOWN) for code in (124, 126, 127, 137)),
        (COMMAND, Verb.START, exited(127), Outcome.FAILED),
    ],
)
def test_the_meaning(resource: Resource, verb: Verb, ended: Ended, outcome: Outcome) -> None:
    assert meaning(resource, verb, ended).outcome is outcome


@pytest.mark.parametrize("how", [one for one in How if one is not How.EXITED])
@pytest.mark.parametrize("resource", [UNIT, FILES, MOUNT, COMMAND])
def test_a_look_that_did_not_come_to_its_end_is_unknown(resource: Resource, how: How) -> None:
    ended = Ended("job", how, 0, "active\n")
    assert meaning(resource, Verb.CHECK, ended).outcome is Outcome.UNKNOWN
    assert meaning(resource, Verb.PROBE, ended).outcome is Outcome.UNKNOWN
    assert meaning(resource, Verb.START, ended).outcome is Outcome.FAILED
    assert meaning(resource, Verb.STOP, ended).outcome is Outcome.FAILED


def test_names_of_ocf_agents() -> None:
    assert ocf_agent("ocf:heartbeat:IPaddr2") == ("heartbeat", "IPaddr2")
    assert ocf_agent("heartbeat:IPaddr2") == ("heartbeat", "IPaddr2")
    assert ocf_agent("IPaddr2") == ("", "")


@pytest.mark.parametrize("resource", [UNIT, FILES, MOUNT, COMMAND])
def test_what_is_right(resource: Resource) -> None:
    assert problems(resource) == ()


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        (Resource("a b", "unit", (("unit", "x.service"),)), ["no name for a resource"]),
        (Resource("a", "lxc"), ["is no kind"]),
        (Resource("a", "unit"), ["unit is missing"]),
        (Resource("a", "unit", (("unit", "--force.service"),)), ["not the name of a unit"]),
        (Resource("a", "unit", (("unit", "nfs"),)), ["not the name of a unit"]),
        (Resource("a", "unit", (("unit", "haoscar-agent.service"),)), ["agent itself"]),
        (Resource("a", "unit", (("unit", "x.service"), ("unti", "y"))), ["'unti' means nothing"]),
        (Resource("a", "ocf", (("agent", "../../bin/sh"),)), ["write it as ocf:"]),
        (Resource("a", "ocf", (("agent", "ocf:heartbeat:../x"),)), ["write it as ocf:"]),
        (
            Resource("a", "ocf", (("agent", "ocf:h:x"), ("LD PRELOAD", "x"))),
            ["not the name of an OCF parameter"],
        ),
        (
            Resource("a", "mount", (("device", "-o"), ("directory", "srv"), ("options", "-x"))),
            ["device is", "directory is", "options is"],
        ),
        (
            Resource("a", "mount", (("device", "/dev/sdb"), ("directory", "/usr"))),
            ["belongs to the system"],
        ),
        (
            Resource("a", "mount", (("device", "/dev/../x"), ("directory", "/srv/../usr"))),
            ["device is", "directory is"],
        ),
        (
            Resource("a", "mount", (("device", "/dev/x y"), ("directory", "/srv/a b"), ("type", "EXT;"))),
            ["device is", "directory is", "no type"],
        ),
        (
            Resource("a", "command", (("start", "/bin/a | /bin/b"), ("stop", "stop it"))),
            ["no shell reads start", "stop must begin with"],
        ),
        (
            Resource("a", "command", (("start", "/bin/a"), ("stop", "/bin/b")), exclusive=True),
            ["check is missing"],
        ),
        (
            Resource("a", "command", (("start", "/bin/a\n"), ("stop", " "))),
            ["cannot be printed", "stop must begin with"],
        ),
        (
            Resource("a", "unit", (("unit", "x.service"),), start_limit=0, stop_limit=9e9, check_every=-1),
            ["start_limit", "stop_limit", "check_every"],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_once(resource: Resource, words: list[str]) -> None:
    found = problems(resource)
    assert len(found) == len(words), found
    for one, word in zip(found, words, strict=True):
        assert word in one
        assert one.isprintable()


@pytest.mark.parametrize(
    "device",
    ["/dev/mapper/vg-home", "UUID=1234-abcd", "LABEL=home", "nas:/export/home", "nas:/", "tmpfs",
     "[2001:db8::1]:/x", "//nas/share", "tank/home", "/srv/a"],
)  # fmt: skip
def test_devices_of_every_kind(device: str) -> None:
    assert problems(Resource("a", "mount", (("device", device), ("directory", "/srv/x")))) == ()


def test_the_programs_that_must_be_there() -> None:
    assert programs_of(FILES) == ("/usr/lib/ocf/resource.d/heartbeat/Filesystem",)
    assert programs_of(COMMAND) == ("/opt/lic",)
    assert programs_of(MOUNT) == ()


def test_advice_from_an_agents_own_description() -> None:
    text = '<action name="start" timeout="120s" /><action name="stop" timeout="30" />'
    assert advice(FILES, text) == (
        "home: start_limit is 60 s; ocf:heartbeat:Filesystem advises 120 s at least.",
    )
