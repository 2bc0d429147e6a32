"""Any site, any change of it and any text: read back the same, or told what is wrong."""

from ipaddress import IPv4Network
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import InvalidInput
from backend.model.addresses import Mac
from backend.model.names import DomainName, HostName, ImageName, InterfaceName, UserName
from backend.model.site import (
    ImageSource,
    IpAssignment,
    Network,
    Node,
    OnFailure,
    PostInstall,
    Primary,
    Site,
    Standby,
)
from backend.paths import Paths
from backend.site.draft import Findings, read_draft
from backend.site.render import edited, fresh
from backend.site.source import read_toml
from backend.site.store import SiteStore, examine, parse_site
from tests.unit.hand_site import HAND, save

labels = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,5}[A-Za-z0-9])?", fullmatch=True)
interfaces = st.from_regex(r"[a-z][a-z0-9.@_-]{0,14}", fullmatch=True).map(InterfaceName.parse)
domains = st.lists(labels, min_size=1, max_size=3).map(".".join).map(DomainName.parse)
image_names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True)


@st.composite
def sites(draw) -> Site:
    """Any site that is right."""
    prefix = draw(st.integers(20, 26))
    private = IPv4Network((f"10.{draw(st.integers(0, 255))}.64.0", prefix))
    public = IPv4Network("192.0.2.0/24")
    names = iter(draw(st.permutations([f"h{draw(labels)}{n}" for n in range(8)])))
    hosts = iter(draw(st.permutations([private[n] for n in range(1, 16)])))
    outside = iter(draw(st.permutations([public[n] for n in range(1, 12)])))
    macs = iter([Mac.from_bytes(bytes([2, 0, 0, 0, draw(st.integers(0, 255)), n])) for n in range(8)])  # fmt: skip
    has_public = draw(st.booleans())

    def maybe(values):
        return next(values) if draw(st.booleans()) else None

    def maybe_public():
        return maybe(outside) if has_public else None

    images = tuple(
        ImageSource(
            ImageName.parse(f"{n}{draw(image_names)}"),
            draw(
                st.one_of(
                    domains.filter(lambda d: not d.replace(".", "").isdigit()), st.just("10.0.0.9")
                )
            ),
            draw(st.none() | st.just(UserName.parse("root"))),
            draw(st.sampled_from(IpAssignment)),
            draw(st.sampled_from(PostInstall)),
        )
        for n in range(draw(st.integers(1, 2)))
    )
    standbys = tuple(
        Standby(
            name=HostName.parse(next(names)),
            image=draw(st.sampled_from(images)).name,
            address=next(hosts),
            prefix=prefix,
            gateway=maybe(hosts),
            public_interface=draw(st.none() | interfaces),
            public_alias=maybe_public(),
            public_address=maybe_public(),
            mac=maybe(macs),
            disk=draw(st.sampled_from(("auto", "/dev/disk/by-id/ata-X_1", "QM00001"))),
            wipe=draw(st.booleans()),
            on_failure=draw(st.sampled_from(OnFailure)),
        )
        for _ in range(draw(st.integers(0, 2)))
    )
    return Site(
        cluster=HostName.parse(draw(labels)),
        domain=draw(domains),
        private=Network(draw(interfaces), private, maybe(hosts), maybe(hosts)),
        public=Network(draw(interfaces), public, None, maybe_public()) if has_public else None,
        primary=Primary(HostName.parse(next(names)), next(hosts), maybe_public()),
        images=images,
        standbys=standbys,
        nodes=tuple(
            Node(HostName.parse(next(names)), maybe(hosts), maybe(macs))
            for _ in range(draw(st.integers(0, 4)))
        ),
    )


@settings(max_examples=25, deadline=None)
@given(sites(), sites())
def test_any_site_reads_back_and_can_become_any_other(tmp_path_factory, first, second):
    store = SiteStore(Paths(tmp_path_factory.mktemp("site")))
    store.file.parent.mkdir(parents=True)
    save(store, first)
    commented = "\n".join(f"{line} # {n}" if line.startswith("[") else line for n, line in enumerate(store.file.read_text().split("\n")))  # fmt: skip
    store.file.write_text("# top\n" + commented)
    once = save(store, second)
    assert once.startswith("# top\n")
    assert store.render(store.load()) == once.encode()
    assert save(store, second) == once


@settings(max_examples=25, deadline=None)
@given(sites(), st.data())
def test_editing_never_falls_back_to_a_new_file_in_the_usual_layout(site, data):
    text = fresh(site)
    other = data.draw(sites())
    document, where = read_toml(text, Path("x"))
    draft = read_draft(document, Findings(Path("x"), where))
    new = edited(other, text, draft)
    assert new is not None
    assert parse_site(new, "x") == other


texts = st.text(
    st.sampled_from("[]{}=.\"'#\\\n\r\t ,0123456789abcxyz_-:/é\x00\x1b\u202e") | st.characters(),
    max_size=80,
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_text_makes_anything_but_reports_or_a_typed_site(data):
    """Lines of a right file are replaced by hostile ones; what is accepted has only safe values."""
    lines = HAND.split("\n")
    for _ in range(data.draw(st.integers(1, 3))):
        number = data.draw(st.integers(0, len(lines) - 1))
        key, equals, _ = lines[number].partition("=")
        hostile = data.draw(texts)
        quoted = '"' + hostile.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        lines[number] = f"{key}={quoted}" if equals and data.draw(st.booleans()) else hostile
    text = "\n".join(lines)
    for report in examine(text, "site.toml"):
        assert str(report).isprintable()
    try:
        site = parse_site(text, "site.toml")
    except InvalidInput:
        return
    for one in (site, site.private, site.primary, *site.images, *site.standbys, *site.nodes):
        for name in one.__slots__:
            value = getattr(one, name)
            if isinstance(value, str):
                assert value.isascii()
                assert value.isprintable()
                assert not set(value) & set(" \"'\\;{}#$`")
    assert parse_site(fresh(site), "site.toml") == site
