"""The keys of the site file that are about the failover agent; read by the agent's own rules."""

from backend.agent import config_values as agent
from backend.agent.core.timing import LONGEST, MS, SHORTEST
from backend.model.agent import LeaseProfile, ResourceKind, WithoutWitness
from backend.model.names import HostName
from backend.site.keys import Key, Section
from backend.site.values import by_agent, host_names, one_of, text, truth

HOST = "a host name"
RESOURCE_NAME = "letters, digits, dots, hyphens and underscores, 64 at most"
OPTIONS = "an inline table of texts and whole numbers"

AGENT = Section(
    ("agent",),
    "How the failover agents behave; without it everything has its default.",
    (
        Key(
            "profile", one_of(LeaseProfile), "default (320 ms) or fast (120 ms)",
            "the length of the lease: how soon a dead head is replaced", '"default"',
            default_text='`"default"`',
        ),
        Key(
            "lease_ms", by_agent(agent.whole(SHORTEST // MS, LONGEST // MS)),
            "milliseconds, 60 to 60000", "the length of the lease, instead of a profile", "320",
            default_text="the profile's",
        ),
        Key(
            "standby", text(HostName.parse), "the name of a [[standby]]",
            "which standby is the other head, where there are several", '"head2"',
            default_text="the only one",
        ),
        Key(
            "witnesses", host_names, "a list of names of [[node]]s, 5 at most",
            "the nodes that vote, too", '["node01", "node02", "node03"]',
            default_text="the first nodes with addresses, 1 or 3",
        ),
        Key(
            "preferred", text(HostName.parse), "the name of a head",
            "who serves first when both heads start cold", '"head1"', default_text="the primary",
        ),
        Key(
            "takeover_without_witness", one_of(WithoutWitness), ", ".join(WithoutWitness),
            "what a standby without witnesses and fencing does when it hears nothing: wait for a "
            "human, or serve and risk that both heads do",
            '"hold"', default_text="none: such a site gets no agents",
        ),
        Key(
            "port", by_agent(agent.whole(1, 65535)), "a whole number, 1 to 65535",
            "the UDP port of all agents", "4747", default=4747,
        ),
        Key(
            "metrics", by_agent(agent.endpoint), "an IPv4 address with a port, or empty",
            "where the heads answer in Prometheus' text format", '"127.0.0.1:9747"', default="",
            default_text="none",
        ),
        Key(
            "watchdog", by_agent(agent.device), "a path below /dev, or empty",
            "the hardware watchdog of the heads", '"/dev/watchdog"', default="",
            default_text="none",
        ),
        Key(
            "realtime", truth, "true or false",
            "real-time scheduling and locked memory of the agents", "true", default=True,
        ),
    ),
)  # fmt: skip

RESOURCE = Section(
    ("resource",),
    "One table for each thing that the active head runs and that moves with its role.",
    (
        Key("name", by_agent(agent.word), RESOURCE_NAME, "its name", '"exports"', required=True),
        Key(
            "kind", one_of(ResourceKind), ", ".join(ResourceKind),
            "what it is: a systemd unit, an OCF resource agent, a file system, a program",
            '"unit"', required=True,
        ),
        Key(
            "options", by_agent(agent.options), OPTIONS, "what its kind needs to know",
            '{ unit = "nfs-server.service" }', default=(), default_text="none",
        ),
        Key(
            "after", by_agent(agent.names), "a list of names of [[resource]]s",
            "those that must be started before it, and stopped after it", '["home"]',
            default=(), default_text="none",
        ),
        Key(
            "exclusive", truth, "true or false",
            "it must never run twice: its start waits for fencing or the watchdog", "true",
            default=False,
        ),
        Key(
            "start_limit", by_agent(agent.seconds(0.1, 3600)), "seconds, 0.1 to 3600",
            "how long its start may take", "60", default=60.0, default_text="`60`",
        ),
        Key(
            "stop_limit", by_agent(agent.seconds(0.1, 3600)), "seconds, 0.1 to 3600",
            "how long its stop may take", "60", default=60.0, default_text="`60`",
        ),
        Key(
            "check_every", by_agent(agent.seconds(0.5, 3600, never=True)),
            "seconds, 0.5 to 3600, or 0: never",
            "how often the active head looks whether it is well", "10", default=10.0,
            default_text="`10`",
        ),
    ),
    repeated=True,
)  # fmt: skip

FENCING = Section(
    ("fencing",),
    "One table for each head: what the other head switches it off with.",
    (
        Key("name", text(HostName.parse), HOST, "the head that is switched off", '"head2"', required=True),
        Key(
            "agent", by_agent(agent.fence_agent),
            "the name of a program of the fence-agents project", "what does it",
            '"fence_ipmilan"', required=True,
        ),
        Key(
            "options", by_agent(agent.options), OPTIONS,
            "what that program needs to know, without secrets", '{ ip = "10.0.0.212" }',
            default=(), default_text="none",
        ),
        Key(
            "credentials_file", by_agent(agent.path), "a path from the root",
            "a file on the other head, mode 0600, with lines option=value that are secret",
            '"/etc/haoscar/fence.head2"', default="", default_text="none",
        ),
        Key(
            "limit", by_agent(agent.seconds(1, 600)), "seconds, 1 to 600",
            "how long it may take", "60", default=60.0, default_text="`60`",
        ),
    ),
    repeated=True,
)  # fmt: skip
