"""The words of "Complete installation"."""

INTRO = "The failover agent on both heads, and on some compute nodes that vote when one is silent."
HELP = """\
The last step makes a pair of the two heads.

Members. Both heads get the failover agent. So do one or three compute nodes as witnesses: they vote, and run nothing else. \
They are proposed; a double click, Enter or the button changes who votes. An even number of voters survives no more losses \
than one voter less.

The address that everybody knows. The compute nodes reach this head by an address, which must follow the active head from now on: \
it becomes the virtual IP, and this head gets one of its own. Nothing changes on the nodes and connections go on. If you do not \
keep the new state within a minute, all of it goes back by itself, so you cannot lock yourself out.

Complete installation. Logs in on every member as root over SSH, by root's own keys; where they do not let in, a password is asked for and \
kept nowhere. Host keys that nobody has confirmed yet are shown once, all together. Then everything that will change is shown, machine \
by machine. Witnesses are first and the active head is last; an agent that does not become well is replaced by what ran before. A drill \
is proposed at the end.

Drill. Makes a fault on purpose, a planned switchover unless you choose another, and measures on the witnesses how long the virtual IPs \
do not answer. The timeline says what that time was spent on.

When all is done, log out on the standby and log in again."""
TRUST, DECLINE = "Trust these keys", "Do not trust"
WHOSE = "Do these host keys belong to the machines?"
COMPARE = (
    "Compare them with what each machine prints on its own console:\n"
    "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
)
ASKING = "Asking the machines for their host keys..."
LOOKING = "Looking which machines answer..."
NO_WITNESS = "Nobody votes besides the heads: a standby that hears nothing cannot tell a dead head from a cut cable."
MOST_WITNESSES = 5  # that a site may name
KEEP = "{virtual} is virtual now. See that you can still work, then keep it."
BACK = "The address goes back to what it was."
