"""A watch list that is exported and imported again is the same; words are parted as Perl does it."""

import shlex
from dataclasses import replace

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from backend.model.names import WatchName
from backend.model.watchlist import Alert, WatchList, default_watch_list
from backend.moncf.convert import convert
from backend.moncf.words import for_mon, for_site, quotewords
from backend.moncf.write import write
from tests.fakes.mon_lists import MACHINES, normal, parameters, watch_lists


def again(watch: WatchList) -> WatchList:
    text = write(watch, MACHINES.heads).text
    return convert(text.encode(), "mon.cf", MACHINES, lambda path: path.startswith("/opt/"), allow_missing=True).watch  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(watch_lists())
def test_what_is_exported_is_imported_the_same(watch):
    event(f"services: {min(len(watch.services), 6)}")
    assert normal(again(watch)) == normal(watch)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(watch_lists())
def test_the_second_time_it_is_the_same_to_the_letter(watch):
    once = again(watch)
    assert again(once) == once


def test_the_original_rows_need_nothing_that_mon_lacks():
    watch = default_watch_list()
    made = write(watch, ("head1", "head2"))
    assert made.missing == []
    assert again(watch) == watch
    assert "hostgroup ServiceMonitor head1 head2\n#haoscar: hosts =\n" in made.text
    assert "    service process_server\n        description The processes of a head\n        interval 3s\n" in made.text  # fmt: skip


@given(parameters())
def test_both_read_the_same_words(text):
    assert for_site(for_mon(text)) == for_mon(text)


@given(st.text(alphabet="ab \t\\\"'", max_size=12))
def test_words_of_mon_reach_the_site_file(text):
    words = quotewords(text.strip())
    if words is not None:
        assert tuple(shlex.split(for_site(text.strip()))) == words


def test_what_mon_lacks_is_told():
    watch = default_watch_list()
    first = watch.services[0]
    period = replace(first.periods[0], alerts=(Alert("mail", parameters="root"),))
    changed = replace(first, name=WatchName("x"), monitor="tcp", disabled=True, periods=(period,))
    made = write(watch.with_service(changed), ("h",))
    assert [what for _, what in made.missing] == [
        "mon cannot: disabled = yes",
        "mon has no tcp; it is built into HA-OSCAR.",
        "mon has no mail; it is built into HA-OSCAR.",
    ]
    assert {where for where, _ in made.missing} == {"ServiceMonitor:x"}
