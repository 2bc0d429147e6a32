"""``haoscar image list|show|verify|delete``: the images on this head."""

import argparse

from backend.actions.images import (
    SHOWN,
    DeleteUnfinished,
    DeleteVersions,
    VerifyImage,
    look,
    verdict_on,
)
from backend.amounts import duration, size
from backend.cli.app import App, Subparsers
from backend.errors import Cancelled, InvalidInput
from backend.imaging.catalog import Catalog, ImageVersion
from backend.model.names import ImageName
from backend.reports import info, warning


def register(commands: Subparsers) -> None:
    """Add the command and its own commands."""
    parser = commands.add_parser(
        "image",
        help="list, show, verify or delete images",
        description="The images on this head and their versions. Only root can read them.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    one = actions.add_parser("list", help="show every version of every image")
    one.set_defaults(run=run_list)
    one = actions.add_parser("show", help="show what an image is and what was left out of it")
    _name(one)
    one.set_defaults(run=run_show)
    one = actions.add_parser("verify", help="compare every file with the manifest")
    _name(one)
    one.add_argument("--quick", action="store_true", help="do not read the content of the files")
    one.set_defaults(run=run_verify)
    one = actions.add_parser("delete", help="delete a version, all of them, or a cut fetch")
    _name(one, "the version to delete (default: the only one)")
    one.add_argument("--all", action="store_true", help="delete every version of the image")
    one.add_argument("--partial", action="store_true", help="delete what a cut fetch has left")
    one.set_defaults(run=run_delete)


def _name(parser: argparse.ArgumentParser, text: str = "the version (default: the newest)") -> None:
    parser.add_argument("name", help="the image")
    parser.add_argument("--version", type=int, metavar="N", help=text)


def run_list(_args: argparse.Namespace, app: App) -> int:
    """Show every version."""
    found = look(app.wiring).entries
    for entry in found:
        app.out.reports(warning(one.code, one.text, one.remedy, one.place) for one in entry.reports)
    app.out.table(
        ("image", "version", "fetched", "from", "system", "files", "size"),
        [
            (one.version.name, f"v{one.version.number}", "damaged", "", "", "", "")
            if one.facts is None
            else (
                one.version.name, f"v{one.version.number}", one.facts.created, one.facts.client,
                one.facts.system, one.facts.files, size(one.facts.size),
            )
            for one in found
        ],
    )  # fmt: skip
    if not found:
        app.out.say("There is no image yet. 'haoscar fetch-image' makes one.")
    app.out.result(
        [
            {"name": one.version.name, "number": one.version.number, "ok": one.facts is not None}
            | (one.facts.as_dict() if one.facts else {})
            for one in found
        ]
    )
    return 0


def run_show(args: argparse.Namespace, app: App) -> int:
    """Show one version."""
    catalog = Catalog(app.paths)
    version = catalog.get(args.name, args.version)
    facts = version.facts()
    usage = catalog.usage(version)
    kept = [f"v{one.number}" for one in catalog.versions(version.name)]
    rows = [
        ("image", f"{version} of {', '.join(kept)}"),
        ("fetched", f"{facts.created} from {facts.client} in {duration(facts.seconds)}"),
        ("system", f"{facts.system}, {facts.architecture}"),
        ("kernels", ", ".join(facts.kernels) or "none"),
        ("files", f"{facts.files} files in {facts.entries} entries, {size(facts.size)}"),
        ("on disk", f"{size(usage.total)}, of which deleting it frees {size(usage.own)}"),
        ("file systems", ", ".join(f"{where} ({kind})" for where, kind in facts.file_systems)),
        ("IP assignment", facts.ip_assignment.value),
        ("post install", facts.post_install.value),
        ("directory", str(version.directory)),
    ]
    app.out.table(("", ""), rows)
    if facts.skipped:
        app.out.say("\nMounted there, but not in the image:")
        app.out.table(("mount point", "reason"), facts.skipped)
    app.out.say("\nLeft out, or made new on the clone:")
    app.out.table(
        ("path", "", "reason"),
        [(one.pattern, "new" if one.made_new else "", one.reason) for one in facts.excluded],
    )
    app.out.result(
        {"directory": str(version.directory), "bytes": usage.total, "own_bytes": usage.own}
        | facts.as_dict()
    )
    return 0


def run_verify(args: argparse.Namespace, app: App) -> int:
    """Verify one version; 1 when anything differs."""
    version = Catalog(app.paths).get(args.name, args.version)
    found = app.run_task(VerifyImage(app.wiring, version, not args.quick))
    for difference in found.differences[:SHOWN]:
        app.out.say(str(difference))
    app.out.say(str(verdict_on(version, found, content=not args.quick)))
    app.out.result(
        {
            "name": version.name,
            "number": version.number,
            "ok": found.ok,
            "entries": found.entries,
            "bytes_read": found.bytes_read,
            "differences": found.count,
            "first": [
                {
                    "path": one.path,
                    "aspect": one.aspect,
                    "expected": one.expected,
                    "found": one.found,
                }
                for one in found.differences
            ],
        }
    )
    return 0 if found.ok else 1


def run_delete(args: argparse.Namespace, app: App) -> int:
    """Delete versions or what a cut fetch has left, after asking."""
    catalog = Catalog(app.paths)
    name = ImageName.parse(args.name)
    if args.partial:
        return _delete_partials(catalog, name, app)
    deletion = DeleteVersions(app.wiring, _chosen(catalog, name, args))
    if not app.confirm(f"{deletion.title} (frees at least {size(deletion.freed())})?"):
        raise Cancelled(info("image.kept", "Nothing was deleted."))
    gone = app.run_task(deletion)
    for version in gone:
        app.out.say(f"Deleted {version}.")
    app.out.result({"deleted": [{"name": one.name, "number": one.number} for one in gone]})
    return 0


def _delete_partials(catalog: Catalog, name: ImageName, app: App) -> int:
    left = catalog.partials(name)
    if left and not app.confirm(f"Delete what a cut fetch of image {name} has left?"):
        raise Cancelled(info("image.kept", "Nothing was deleted."))
    count = app.run_task(DeleteUnfinished(app.wiring, name)) if left else 0
    app.out.say("Deleted." if count else f"No fetch of image {name} was cut short.")
    app.out.result({"deleted_partials": count})
    return 0


def _chosen(
    catalog: Catalog, name: ImageName, args: argparse.Namespace
) -> tuple[ImageVersion, ...]:
    versions = catalog.versions(name)
    if args.all and versions:
        return versions
    if args.version is None and len(versions) > 1:
        raise InvalidInput.of(
            "image.which",
            f"Image {name} has the versions {', '.join(f'v{one.number}' for one in versions)}.",
            "Say which: --version N, or --all.",
        )
    return (catalog.get(name, args.version),)
