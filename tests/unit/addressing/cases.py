"""Configuration files as administrators and installers write them, with the address 10.0.0.1 in use.

``@`` stands for the one place that has to change.
"""

IFUPDOWN = {
    "debian-installer": """\
# This file describes the network interfaces available on your system
# and how to activate them. For more information, see interfaces(5).

source /etc/network/interfaces.d/*

# The loopback network interface
auto lo
iface lo inet loopback

# The primary network interface
allow-hotplug eth1
iface eth1 inet static
\taddress @/24
\tgateway 10.0.0.254
\t# dns-* options are implemented by the resolvconf package, if installed
\tdns-nameservers 10.0.0.253
\tdns-search cluster.lan
""",
    "netmask": "auto eth1\niface eth1 inet static\n  address @\n  netmask 255.255.255.0\n  broadcast 10.0.0.255\n",
    "netmask-first": "iface eth1 inet static\nnetmask 255.255.255.0\nnetwork 10.0.0.0\naddress @\n",
    "no-newline-at-end": "iface eth1 inet static\n    address @/24",
    "crlf": "auto eth1\r\niface eth1 inet static\r\n    address @/24\r\n    gateway 10.0.0.254\r\n",
    "blanks": "\n\n   iface    eth1\tinet   static   \n \t address   \t @/24   \n\n",
    "comment-names-it": "# was 10.0.0.1/16 once\niface eth1 inet static\n  # address 10.0.0.1/24\n  address @/24\n",
    "two-cards": "iface eth0 inet static\n  address 192.0.2.10/24\n  gateway 192.0.2.1\niface eth1 inet static\n  address @/24\n",
    "longer-addresses-around": "iface eth0 inet static\n address 10.0.0.10/24\niface eth2 inet static\n address 110.0.0.1/24\niface eth1 inet static\n address @/24\n",
    "second-stanza-of-one-card": "iface eth1 inet static\n address @/24\niface eth1 inet static\n address 10.0.5.1/24\n",
    "inet6-beside": "iface eth1 inet6 static\n  address fd00::1/64\niface eth1 inet static\n  address @/24\n  up ip route add 10.8.0.0/16 via 10.0.0.254\n",
    "continued-options": "iface eth1 inet static\n  address @/24\n  up ip route add 10.8.0.0/16 \\\n     via 10.0.0.254\n",
    "bridge": "iface eth0 inet manual\n\nauto br0\niface br0 inet static\n  address @/24\n  bridge_ports eth0\n  bridge_stp off\n",
    "not-utf8": "# Kopfknoten \udce4\niface eth1 inet static\n  address @/24\n",
}  # fmt: skip

KEYFILE = {
    "nmcli": """\
[connection]
id=private
uuid=9c1c8c1c-6f5c-4cb5-b4c8-7e5a2d8e6a11
type=ethernet
interface-name=eth1

[ethernet]

[ipv4]
address1=@/24
method=manual

[ipv6]
addr-gen-mode=default
method=disabled

[proxy]
""",
    "with-gateway": "[connection]\ninterface-name=eth1\n[ipv4]\naddress1=@/24,10.0.0.254\nmethod=manual\n",
    "second-address": "[connection]\ninterface-name=eth1\n[ipv4]\naddress1=10.0.5.1/24\naddress2=@/24\nmethod=manual\n",
    "first-of-two": "[connection]\ninterface-name=eth1\n[ipv4]\naddress1=@/24\naddress2=10.0.5.1/24\nmethod=manual\n",
    "list": "[connection]\ninterface-name=eth1\n[ipv4]\nmethod=manual\naddresses=10.0.5.1/24;@/24;\n",
    "blanks": "[connection]\n interface-name = eth1\n[ipv4]\n address1 =  @/24 \n method = manual\n",
    "by-mac": "[connection]\ntype=ethernet\n[ethernet]\nmac-address=52:54:00:00:00:01\n[ipv4]\naddress1=@/24\nmethod=manual\n",
    "bond": "[connection]\ntype=bond\ninterface-name=eth1\n[bond]\nmode=active-backup\nmiimon=100\n[ipv4]\naddress1=@/24\nmethod=manual\n",
    "comments": "; 10.0.0.1\n# address1=10.0.0.1/24\n[connection]\ninterface-name=eth1\n[ipv4]\n#address1=10.0.0.1/24\naddress1=@/24\nmethod=manual\n",
    "with-dns-on-the-head": "[connection]\ninterface-name=eth1\n[ipv4]\naddress1=@/24\ndns=10.0.0.253;\ndns-search=cluster.lan;\nmethod=manual\n",
    "crlf": "[connection]\r\ninterface-name=eth1\r\n[ipv4]\r\naddress1=@/24\r\nmethod=manual\r\n",
    "static-beside-dhcp": "[connection]\ninterface-name=eth1\n[ipv4]\naddress1=@/24\nmethod=auto\n",
    "no-interface": "[connection]\nid=Wired connection 1\n[ipv4]\naddress1=@/24\nmethod=manual",
}  # fmt: skip

NETPLAN = {
    "subiquity": """\
# This is the network config written by 'subiquity'
network:
  ethernets:
    eth1:
      addresses:
      - @/24
      nameservers:
        addresses:
        - 10.0.0.253
        search:
        - cluster.lan
      routes:
      - to: default
        via: 10.0.0.254
  version: 2
""",
    "flow": "network:\n  version: 2\n  ethernets:\n    eth1:\n      addresses: [@/24]\n",
    "flow-two": "network:\n  ethernets:\n    eth1:\n      addresses: [ 10.0.5.1/24, \"@/24\" ]  # both\n      nameservers: {addresses: [10.0.0.253]}\n",
    "quoted": "network:\n    version: 2\n    renderer: networkd\n    ethernets:\n        eth1:\n            addresses:\n                - \"@/24\"\n                - '10.0.5.1/24'\n",
    "single-quoted": "network:\n  ethernets:\n    'eth1':\n      addresses:\n        - '@/24'\n",
    "cloud-init": "# This file is generated from information provided by the datasource.\nnetwork:\n    ethernets:\n        eth1:\n            addresses:\n            - @/24\n            match:\n                macaddress: 52:54:00:00:00:01\n            set-name: eth1\n    version: 2\n",
    "match-after": "network:\n  ethernets:\n    private:\n      addresses: ['@/24']\n      match: \n        name: eth*\n",
    "options": "network:\n  ethernets:\n    eth1:\n      addresses:\n        - @/24:\n            lifetime: forever\n        - 10.0.5.1/24\n",
    "bridge": "network:\n  version: 2\n  ethernets:\n    eth0: {}\n  bridges:\n    br0:\n      interfaces: [eth0]\n      addresses:\n        - @/24\n      parameters: {stp: false}\n",
    "comments": "# 10.0.0.1\nnetwork: # all\n  ethernets: # cards\n    eth1: # the nodes\n      # - 10.0.0.1/24\n      addresses: # of the head\n        # - 10.0.0.1/24\n        - @/24 # known to everybody\n",
    "two-cards": "network:\n  ethernets:\n    eth0:\n      dhcp4: true\n    eth1:\n      dhcp4: false\n      addresses:\n        - @/24\n",
    "document-start": "---\nnetwork:\n  version: 2\n  renderer: NetworkManager\n  ethernets:\n    eth1:\n      addresses:\n        - @/24\n",
    "crlf": "network:\r\n  ethernets:\r\n    eth1:\r\n      addresses:\r\n        - @/24\r\n",
}  # fmt: skip

NETWORKD = {
    "plain": "[Match]\nName=eth1\n\n[Network]\nAddress=@/24\n",
    "gateway-dns": "[Match]\nName=eth1\n\n[Network]\nAddress=@/24\nGateway=10.0.0.254\nDNS=10.0.0.253\nDomains=cluster.lan\n",
    "section": "[Match]\nName=eth1\n\n[Address]\nAddress=@/24\n\n[Route]\nGateway=10.0.0.254\n",
    "two-sections": "[Match]\nName=eth1\n[Address]\nAddress=10.0.5.1/24\n[Address]\nAddress=@/24\n",
    "two-lines": "[Match]\nName=eth1\n[Network]\nAddress=@/24\nAddress=10.0.5.1/24\n",
    "glob": "[Match]\nName=eth* en*\n\n[Network]\nAddress=@/24\n",
    "excluded": "[Match]\nName=!eth0 wlan*\n\n[Network]\nAddress=@/24\n",
    "mac": "[Match]\nMACAddress=52:54:00:00:00:01 52:54:00:00:00:02\n\n[Network]\nAddress=@/24\n",
    "comments": "# 10.0.0.1\n; Address=10.0.0.1/24\n[Match]\nName=eth1\n[Network]\n#Address=10.0.0.1/24\nAddress=@/24\n",
    "blanks": "[Match]\n  Name = eth1\n[Network]\n  Address =  @/24  \n",
    "crlf": "[Match]\r\nName=eth1\r\n[Network]\r\nAddress=@/24\r\n",
    "lab": "[Match]\nName=eth1\n\n[Link]\nRequiredForOnline=no\n\n[Network]\nAddress=@/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nLLMNR=no\n",
    "no-prefix-label": "[Match]\nName=eth1\n[Address]\nLabel=private\nAddress=@/24\nDuplicateAddressDetection=none",
}  # fmt: skip

# What cannot be edited: the file, and a word of why.
REFUSED = {
    "ifupdown": {
        "alias": ("iface eth1:0 inet static\n  address 10.0.0.1/24\n", "alias"),
        "dhcp-method": ("iface eth1 inet dhcp\n  address 10.0.0.1/24\n", "not static"),
        "continued": ("iface eth1 inet static\n  address \\\n  10.0.0.1/24\n", "several lines"),
        "two-in-one": ("iface eth1 inet static\n  address 10.0.0.1/24\n  address 10.0.0.7/24\n", "more than one"),
        "command": ("iface eth1 inet manual\n  up ip addr add 10.0.0.1/24 dev eth1\n", "command"),
        "ifconfig": ("iface eth1 inet manual\n  up ifconfig eth1 10.0.0.1 netmask 255.255.255.0 up\n", "command"),
        "words-behind": ("iface eth1 inet static\n  address 10.0.0.1/24 # known\n", "more"),
    },
    "keyfile": {
        "old-form": ("[ipv4]\nmethod=manual\naddresses1=10.0.0.1;24;10.0.0.254;\n", "PREFIX"),
        "twice": ("[ipv4]\nmethod=manual\naddress1=10.0.0.1/24\naddress1=10.0.0.7/24\n", "more than once"),
        "shared": ("[ipv4]\nmethod=shared\naddress1=10.0.0.1/24\n", "shared"),
        "no-method": ("[ipv4]\naddress1=10.0.0.1/24\n", "missing"),
    },
    "netplan": {
        "flow-map": ("network:\n  ethernets:\n    eth1: {addresses: [10.0.0.1/24]}\n", "{ }"),
        "one-line": ("network: {ethernets: {eth1: {addresses: [10.0.0.1/24]}}}\n", "{ }"),
        "list-over-lines": ("network:\n  ethernets:\n    eth1:\n      addresses: [10.0.0.1/24,\n        10.0.5.1/24]\n", "several lines"),
        "list-over-lines-second": ("network:\n  ethernets:\n    eth1:\n      addresses: [\n        10.0.0.1/24 ]\n", "several lines"),
        "anchor": ("network:\n  ethernets:\n    eth1: &card\n      addresses:\n        - 10.0.0.1/24\n    eth2: *card\n", "YAML"),
        "merge": ("network:\n  ethernets:\n    eth1:\n      <<: *defaults\n      addresses:\n        - 10.0.0.1/24\n", "YAML"),
        "tab": ("network:\n  ethernets:\n    eth1:\n\t  addresses:\n        - 10.0.0.1/24\n", "YAML"),
        "tagged": ("network:\n  ethernets:\n    eth1:\n      addresses:\n        - !!str 10.0.0.1/24\n", "YAML"),
    },
    "networkd": {
        "peer": ("[Match]\nName=eth1\n[Address]\nAddress=10.0.0.1/24\nPeer=10.0.0.2/24\n", "peer"),
        "alias": ("[Match]\nName=eth1\n[Address]\nAddress=10.0.0.1/24\nLabel=eth1:1\n", "alias"),
        "continued": ("[Match]\nName=eth1\n[Network]\nAddress=10.0.0.1/24 \\\n\n", "more than one"),
        "two": ("[Match]\nName=eth1\n[Network]\nAddress=10.0.0.1/24 10.0.5.1/24\n", "more than one"),
    },
}  # fmt: skip

# The address is somewhere in the file, but not as the address of an interface.
ELSEWHERE = {
    "ifupdown": (
        "iface eth1 inet static\n  address 10.0.0.2/24\n  gateway 10.0.0.1\n",
        "iface eth1 inet dhcp\n  up ip route add default via 10.0.0.9 src 10.0.0.1\n",
        "iface eth1 inet dhcp\n  dns-nameservers 10.0.0.1\n",
        "# address 10.0.0.1/24\n",
    ),
    "keyfile": (
        "[ipv4]\nmethod=manual\naddress1=10.0.0.2/24,10.0.0.1\n",
        "[ipv4]\nmethod=manual\naddress1=10.0.0.2/24\ngateway=10.0.0.1\ndns=10.0.0.1;\n",
        "[ipv6]\naddress1=10.0.0.1/24\n",
        "[wireguard-peer.x]\nendpoint=10.0.0.1:51820\n",
    ),
    "netplan": (
        "network:\n  ethernets:\n    eth1:\n      routes:\n        - to: default\n          via: 10.0.0.1\n",
        "network:\n  ethernets:\n    eth1:\n      nameservers:\n        addresses:\n          - 10.0.0.1\n",
        "network:\n  ethernets:\n    eth1:\n      nameservers:\n        addresses: [10.0.0.1]\n",
        "network:\n  ethernets:\n    eth1:\n      gateway4: 10.0.0.1\n",
        "other:\n  ethernets:\n    eth1:\n      addresses: [10.0.0.1/24]\n",
    ),
    "networkd": (
        "[Network]\nGateway=10.0.0.1\nDNS=10.0.0.1\n",
        "[Route]\nGateway=10.0.0.9\nPreferredSource=10.0.0.1\n",
        "[DHCPServer]\nServerAddress=10.0.0.1/24\n",
    ),
}
