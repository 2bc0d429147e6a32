"""Step 3: the plan that adds a standby, to the site file and to the hosts file."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

from backend.change.plan import Plan, Step, WriteFile
from backend.discovery.hosts_file import HostsFile, parse_hosts, with_entry, without_entry
from backend.errors import InvalidInput
from backend.imaging.catalog import Catalog
from backend.model.names import DomainName, HostName, ImageName, UserName
from backend.model.requests import AddStandbyRequest
from backend.model.site import ImageSource, Site, Standby
from backend.paths import Paths
from backend.reports import error
from backend.system.files import read_if_there

HOSTS = "/etc/hosts"


def image_source(catalog: Catalog, name: ImageName) -> ImageSource:
    """Return where an image of the catalogue came from, as the site file says it.

    Raises Refused when there is no such image, InvalidInput when its image.json is damaged.
    """
    facts = catalog.latest(name).facts()
    user = UserName.parse(facts.user) if facts.user else None
    return ImageSource(name, facts.client, user, facts.ip_assignment, facts.post_install)


def plan(
    paths: Paths,
    site: Site,
    request: AddStandbyRequest,
    write: Callable[[Site], WriteFile],
    source: ImageSource | None = None,
    before: str = "",
) -> Plan:
    """Return the plan that adds the standby, or replaces the one of that name.

    ``source`` is its image, when the site does not know that one yet; ``write`` is
    SiteStore.write_step; ``before`` is the name that the hosts file may still have for it. The
    card, the disk and the failure policy of a standby that is there already are kept. Raises
    InvalidInput when the hosts file cannot be read.
    """
    after = with_alias(site, request.public_alias).with_standby(merged(site, request))
    if source is not None and site.image(source.name) is None:
        after = after.with_image(source)
    steps: list[Step] = [write(after)]
    step = hosts_step(paths, request.local_ip, request.name, site.domain, before)
    if step is not None:
        steps.append(step)
    return Plan(
        f"Add the standby {request.name}",
        f"{request.name} ({request.local_ip}/{request.prefix}) will be a clone of the image "
        f"{request.image}. Nothing happens to the machine itself yet.",
        tuple(steps),
    )


def with_alias(site: Site, alias: IPv4Address | None) -> Site:
    """Return the site in which users connect to the alias, unless they have an address already."""
    public = site.public
    if alias is None or public is None or public.virtual_ip is not None:
        return site
    return replace(site, public=replace(public, virtual_ip=alias))


def forget_step(paths: Paths, name: str) -> WriteFile | None:
    """Return the step that takes our line of a standby from the hosts file; None without one.

    Raises InvalidInput when the hosts file cannot be read.
    """
    text = _hosts_text(paths)
    if text is None or (left := without_entry(text, name)) == text:
        return None
    return _hosts_write(paths, left, f"{name} is no longer a standby")


def read_hosts(paths: Paths) -> HostsFile:
    """Return the hosts file; an empty one when there is none."""
    text = _hosts_text(paths)
    return parse_hosts(text or "", paths.at(HOSTS))


def hosts_step(
    paths: Paths, address: IPv4Address, name: HostName, domain: DomainName, before: str = ""
) -> WriteFile | None:
    """Return the step that names the standby in the hosts file, or None when it is named there.

    A line of ours that still has the name from ``before`` goes.
    """
    text = _hosts_text(paths)
    if text is None:
        return None  # names come from elsewhere; a first hosts file would be a surprise
    kept = without_entry(text, before) if before else text
    if kept == text and parse_hosts(text, paths.at(HOSTS)).address_of(name) == address:
        return None
    names = (DomainName.parse(f"{name}.{domain}"), DomainName(name))
    content = with_entry(kept, address, names)
    return _hosts_write(paths, content, f"so that this head finds {name} by its name")


def merged(site: Site, request: AddStandbyRequest) -> Standby:
    """Return the standby of the request with what the site knows beyond the form."""
    before = site.standby(request.name)
    new = request.standby()
    if before is None:
        return new
    return replace(
        new, mac=before.mac, disk=before.disk, wipe=before.wipe, on_failure=before.on_failure,
        public_address=before.public_address,
    )  # fmt: skip


def _hosts_write(paths: Paths, text: str, why: str) -> WriteFile:
    mode = paths.at(HOSTS).stat().st_mode & 0o7777
    return WriteFile(Path(HOSTS), text.encode("utf-8", "surrogateescape"), why, mode)


def _hosts_text(paths: Paths) -> str | None:
    try:
        content = read_if_there(paths.at(HOSTS))
    except OSError as problem:
        raise InvalidInput(
            error("standby.hosts", f"{HOSTS} could not be read: {problem.strerror}.")
        ) from problem
    return None if content is None else content.decode("utf-8", "surrogateescape")
