"""Who measures what."""

import json

import pytest

from backend.drill.targets import MOST, Service, Target, share_out, targets, unmeasured
from backend.errors import InvalidInput
from backend.rollout.member import Member

VIPS = (("10.0.0.1", "private"), ("192.0.2.10", "public"))


def witness(name: str, *networks: str) -> Member:
    addresses = dict.fromkeys(networks, "10.0.0.9")
    config = {"members": [{"name": "head1", "addresses": {}}, {"name": name, "addresses": addresses}]}  # fmt: skip
    return Member(name, False, "10.0.0.9", json.dumps(config).encode())


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("ssh=22", Service("ssh", 22)),
        ("nfs=2049/5000", Service("nfs", 2049, budget_ms=5000)),
        ("web=192.0.2.10:443", Service("web", 443, "192.0.2.10")),
        ("web-1.x=192.0.2.10:443/900", Service("web-1.x", 443, "192.0.2.10", 900)),
    ],
)
def test_services(text: str, service: Service) -> None:
    assert Service.parse(text) == service


@pytest.mark.parametrize(
    "text",
    ["", "22", "ssh", "ssh=", "ssh=0", "ssh=65536", "=22", "a b=22", "ssh=22/", "ssh=22/x",
     "ssh=10.0.0.300:22", "ssh=1.2.3.4.5:22", "ssh=::1:22", "ssh=22\n", "a\x1b=22"],
)  # fmt: skip
def test_what_is_no_service(text: str) -> None:
    with pytest.raises(InvalidInput) as problem:
        Service.parse(text)
    assert str(problem.value).isprintable()


def test_services_are_asked_at_every_virtual_ip_or_at_one() -> None:
    services = (Service("ssh", 22), Service("web", 443, "192.0.2.10", 900.0))
    found = targets(VIPS, services, 25.0, resources=False)
    assert [(one.what, one.budget_ms) for one in found] == [
        ("10.0.0.1", 25), ("ssh at 10.0.0.1:22", 25),
        ("192.0.2.10", 25), ("ssh at 192.0.2.10:22", 25), ("web at 192.0.2.10:443", 900),
    ]  # fmt: skip
    with pytest.raises(InvalidInput, match=r"10\.0\.0\.7 is no virtual IP"):
        targets(VIPS, (Service("x", 1, "10.0.0.7"),), 25.0, resources=False)


def test_nothing_is_promised_for_what_must_be_started_first() -> None:
    services = (Service("nfs", 2049), Service("web", 443, budget_ms=900.0))
    found = targets(VIPS[:1], services, 400.0, resources=True)
    assert [one.budget_ms for one in found] == [400, None, 900]


def test_a_witness_measures_what_is_on_its_networks() -> None:
    wanted = targets(VIPS, (Service("ssh", 22),), 25.0, resources=False)
    one, both, none = witness("n1", "private"), witness("n2", "private", "public"), witness("n3")
    shares = share_out((one, both, none), wanted)
    assert shares == {one: wanted[:2], both: wanted}
    assert unmeasured(wanted, shares.values()) == ()
    assert unmeasured(wanted, [wanted[:2]]) == wanted[2:]


def test_too_much_for_one_witness_is_refused() -> None:
    services = [Service(f"s{n}", n + 1) for n in range(MOST)]
    wanted = targets(VIPS[:1], services, 25.0, resources=False)
    with pytest.raises(InvalidInput, match="33 probers"):
        share_out([witness("n1", "private")], wanted)


def test_the_words_for_the_prober() -> None:
    assert Target("10.0.0.1", "private").words(600) == [
        "--address", "10.0.0.1", "--every", "5", "--seconds", "600",
    ]  # fmt: skip
    assert Target("10.0.0.1", "private", "ssh", 22).words(60)[-2:] == ["--tcp", "22"]
