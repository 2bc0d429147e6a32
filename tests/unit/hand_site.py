"""A site file as people write it."""

from backend.model.site import Site
from backend.site.store import SiteStore

HAND = """\
# Our cluster. Ask Ada before changing anything.
version = 1   # do not touch

[cluster]
name   = 'beowulf'     # from the film
domain = "cluster.example.org"

# The switch in rack 1
[networks.private]
  interface = "eth1"
  network = "10.0.0.0/255.255.255.0"
  virtual_ip = "10.0.0.1"

[networks.public]
interface = "eth0"
network = "192.0.2.0/24"
gateway = "192.0.2.1"
virtual_ip = "192.0.2.10"

[primary]
name = "head1"
private_address = "10.0.0.2"
public_address = "192.0.2.11"

[[image]]
name = "head"
client = "head1"
user = "root"

# the new machine
[[standby]]
name = "head2"
image = "head"
address = "10.0.0.3"
mac = "52-54-00-12-34-56"  # as printed on the card

# ---- rack 1 ----

[[node]] # first
name = "node01"
address = "10.0.0.101"
mac = "52:54:00:00:00:01"

[[node]]
name = "node02"
# ---- rack 2 ----
"""


def save(store: SiteStore, site: Site) -> str:
    store.file.write_bytes(store.render(site))
    assert store.load() == site
    return store.file.read_text()
