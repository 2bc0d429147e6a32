"""Turns the checked values of a site file into a Site, and a Site into values again."""

from dataclasses import fields
from typing import Any

from backend.model.agent import AgentPolicy, ClusterResource, FencingDevice
from backend.model.recovery import Monitoring
from backend.model.site import ImageSource, Network, Node, Primary, Site, Standby
from backend.site.build_watch import Values, build_watch, watch_values
from backend.site.draft import Draft
from backend.site.schema import CLUSTER, IMAGE, NODE, PRIMARY, PRIVATE, PUBLIC, STANDBY
from backend.site.schema_agent import AGENT, FENCING, RESOURCE
from backend.site.schema_recovery import MONITORING


def build_site(draft: Draft) -> Site:
    """Return the site of a draft without errors."""
    single = {path: dict(table.values) for path, table in draft.single.items()}
    repeated = {name: [dict(one.values) for one in tables] for name, tables in draft.repeated.items()}  # fmt: skip
    cluster: Values = single[CLUSTER.path]
    private: Values = single[PRIVATE.path]
    public: Values | None = single.get(PUBLIC.path)
    primary: Values = single[PRIMARY.path]
    agent: Values | None = single.get(AGENT.path)
    monitoring: Values | None = single.get(MONITORING.path)
    prefix = private["network"].prefixlen
    return Site(
        cluster=cluster["name"],
        domain=cluster["domain"],
        private=Network(**private),
        public=None if public is None else Network(**public),
        primary=Primary(**primary),
        images=tuple(ImageSource(**one) for one in repeated["image"]),
        standbys=tuple(Standby(**{"prefix": prefix, **one}) for one in repeated["standby"]),
        nodes=tuple(Node(**one) for one in repeated["node"]),
        agent=None if agent is None else AgentPolicy(**agent),
        resources=tuple(ClusterResource(**one) for one in repeated["resource"]),
        fencing=tuple(FencingDevice(**one) for one in repeated["fencing"]),
        watch=build_watch(draft),
        monitoring=None if monitoring is None else Monitoring(**monitoring),
    )


def single_values(site: Site) -> dict[tuple[str, ...], Values | None]:
    """Return the values of each single table; None for one that is not to be there."""
    return {
        CLUSTER.path: {"name": site.cluster, "domain": site.domain},
        PRIVATE.path: _fields(site.private),
        PUBLIC.path: None if site.public is None else _fields(site.public),
        PRIMARY.path: _fields(site.primary),
        AGENT.path: None if site.agent is None else _fields(site.agent),
        MONITORING.path: None if site.monitoring is None else _fields(site.monitoring),
    }


def repeated_values(site: Site) -> dict[str, list[Values]]:
    """Return the values of each entry of each list of tables, in the order of the schema."""
    return {
        IMAGE.path[0]: [_fields(one) for one in site.images],
        STANDBY.path[0]: [_fields(one) for one in site.standbys],
        NODE.path[0]: [_fields(one) for one in site.nodes],
        RESOURCE.path[0]: [_fields(one) for one in site.resources],
        FENCING.path[0]: [_fields(one) for one in site.fencing],
        **watch_values(site.watch),
    }


def _fields(entry: Any) -> Values:
    return {field.name: getattr(entry, field.name) for field in fields(entry)}
