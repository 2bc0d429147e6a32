"""The help of step 2: the panel's, and that of each field."""

INTRO = "Fill in the fields; a Help button stands next to each."

HELP = """\
This copies a golden client, usually this head itself, into an image: every file with its owner, permissions and \
attributes, and the layout of its disks. The standby becomes a clone of it.

Before anything is copied you are shown where the image will lie, how large it is about, what is left out of it, and \
how the site file changes. The copy runs while the golden client is in use. It can be cancelled; the \
next fetch of the same image goes on where it stopped.

A second fetch of an image makes a new version of it: only what has changed is copied, and what has not is stored \
once. Below are all the versions. Verify reads every file again and compares it with the checksums of the fetch."""

FIELD_HELP = {
    "name": """\
The name of the image, and of its directory below /var/lib/haoscar/images. Letters, digits, dots, hyphens and \
underscores; 64 characters at most.

An image of that name may exist: then a new version of it is made, and the ones before stay as they are.""",
    "client": """\
The golden client: the machine that is copied, by its host name or address. Usually it is this head itself.

Another machine is reached over SSH. Its host key is shown when it is not known yet: compare it with what \
'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub' prints on that machine's own console.""",
    "user": """\
The account on the golden client: root, or a user who may become root there by sudo.

Empty means root for another machine, and no SSH at all for this head itself. Keys of root on this head are tried \
first; a password or passphrase is asked for only when it is needed, and never stored.""",
    "ip_assignment": """\
How the installed machine gets its address.

static: the address that the standby's definition names is written into its configuration.
static_dhcp: DHCP gives it that same address each time.
dynamic_dhcp: DHCP may give it another address each time.
replicant: the network configuration of the image is left as it is.""",
    "post_install": """\
What the machine does when it has been installed.

beep: it beeps until somebody switches it off and on.
reboot: it starts its own disk at once.
shutdown, poweroff: it switches itself off.
kexec: it starts the installed kernel without going through the firmware.
shell: a shell on its console, for looking around.
none: it waits.""",
}
