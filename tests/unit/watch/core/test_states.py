"""What a service is shown as: acknowledgement, disabling, unknown results, escalation, reports."""

import pytest

from backend.watch.core import events
from backend.watch.results import Outcome
from backend.watch.settings import Alert
from tests.unit.watch.core.world import RECOVERY, WALL, Cancel, Heal, Note, World, period, service


def test_states_and_what_is_shown():
    world = World(service())
    assert world.shown()["state"] == "unchecked"
    world.fails()
    world.wait(30)
    world.fails(summary="a1 b1")
    shown = world.shown()
    assert (shown["state"], shown["since"], shown["summary"]) == ("failed", WALL, "a1 b1")
    assert (shown["consecutive_failures"], shown["first_failed"], shown["alerts_sent"]) == (
        2,
        WALL,
        2,
    )
    world.well()
    shown = world.shown()
    assert (shown["state"], shown["consecutive_failures"], shown["first_failed"]) == ("ok", 0, None)
    assert shown["last_success"] == pytest.approx(WALL + 30)


def test_sentences_say_what_has_changed_and_nothing_else():
    world = World(service())
    world.well()
    assert world.sentences == []
    world.fails()
    assert world.sentences == ["g:s has failed: a1."]
    assert world.kinds(Note) == [Note("g:s", "has failed: a1")]
    world.fails()
    assert world.sentences == []
    world.fails(summary="b1")
    assert world.sentences == ["g:s still fails, now with: b1."]
    world.wait(12)
    world.well()
    assert world.sentences == ["g:s is well again, after 3 failures in 12 s."]


def test_a_failure_while_the_role_moves_is_looked_at_again_soon():
    world = World(service(interval=3600.0))
    world.well()
    world.step(events.TestNow("g:s"))
    world.step(events.Moving("g:s"))
    shown = world.shown()
    assert (shown["state"], shown["running"], shown["held"]) == (
        "ok", False, "the role is moving between the heads",
    )  # fmt: skip
    world.wait(1.0)
    assert world.shown()["running"]
    world.step(events.Disable("g:s"))
    world.step(events.Moving("g:s"))  # it was ended meanwhile
    assert world.shown()["state"] == "disabled"


def test_an_acknowledgement_silences_until_it_is_up():
    world = World(service())
    world.step(events.Acknowledge("g:s", "", "ann"))
    assert "was not acknowledged" in world.sentences[0]
    world.fails()
    world.step(events.Acknowledge("g:s", "power\x1b[2J", "ann"))
    assert world.shown()["acknowledged"] == {"by": "ann", "text": "power\\x1b[2J", "at": WALL}
    assert [world.fails(), world.fails(summary="other")] == [[], []]
    assert world.well() == ["up"]
    assert world.shown()["acknowledged"] is None
    assert world.fails() == ["mail"]


def test_another_summary_ends_an_acknowledgement_where_that_is_wanted():
    world = World(service(unack_summary=True))
    world.fails(summary="a1")
    world.step(events.Acknowledge("g:s", "", "ann"))
    assert [world.fails(summary="a 1"), world.fails(summary="a1 b1")] == [[], ["mail"]]
    assert world.shown()["acknowledged"] is None


def test_an_acknowledgement_can_be_taken_back():
    world = World(service())
    world.fails()
    world.step(events.Acknowledge("g:s", "", "ann"))
    world.step(events.Unacknowledge("g:s"))
    assert world.fails() == ["mail"]


def test_a_disabled_service_is_not_checked_and_nobody_is_told():
    world = World(service(recovery=RECOVERY))
    world.fails()
    world.step(events.TestNow("g:s"))
    world.step(events.Disable("g:s"))
    assert world.kinds(Cancel) == [Cancel("g:s")]
    assert world.wait(100) == []
    assert (world.shown()["state"], world.shown()["known"]) == ("disabled", "failed")
    assert world.fails() == []  # somebody looks by hand
    assert world.kinds(Heal) == []
    world.step(events.Enable("g:s"))
    assert world.runs() == ["g:s"]
    assert world.shown()["state"] == "failed"
    assert world.fails() == ["mail"]


def test_a_service_that_the_file_disables_can_be_enabled():
    world = World(service(disabled=True))
    assert world.wait(50) == []
    world.step(events.Enable("g:s"))
    assert world.runs() == ["g:s"]


def test_unknown_keeps_what_was_known_and_is_told_once_after_three():
    world = World(service())
    world.well()
    assert [world.unknown(), world.unknown()] == [[], []]
    assert (world.shown()["state"], world.shown()["known"]) == ("unknown", "ok")
    (tell,) = world.unknown()
    assert (tell.run, tell.result.summary) == ("down", "cannot be checked: no answer")
    assert tell.result.outcome is Outcome.UNKNOWN
    assert world.unknown() == []
    assert world.shown()["consecutive_failures"] == 0
    assert world.well() == []  # it ends silently
    assert world.shown()["state"] == "ok"
    assert [world.unknown(), world.unknown(), len(world.unknown())] == [[], [], 1]


def test_unknown_does_not_end_or_count_as_a_failure():
    world = World(service("s", period(failures=2)))
    assert [world.fails(), world.unknown(), world.fails()] == [[], [], ["mail"]]
    world.unknown()
    assert world.shown()["known"] == "failed"
    assert world.well() == ["up"]


def test_unknown_is_not_told_when_silenced():
    world = World(service())
    world.fails()
    world.step(events.Acknowledge("g:s", "", "ann"))
    assert [world.unknown() for _ in range(5)] == [[]] * 5


def test_what_cannot_be_healed_is_told_at_once():
    world = World(service("s", period(every=3600.0, most=1)))
    world.fails()
    world.step(events.Escalated("g:s", "cannot be healed here"))
    (tell,) = world.tells()
    assert (tell.alert.program, tell.run, tell.result.summary) == ("mail", "down", "cannot be healed here")  # fmt: skip
    assert tell.result.detail.startswith("a1")
    assert world.fails() == []
    world.step(events.Acknowledge("g:s", "", "ann"))
    world.step(events.Escalated("g:s", "cannot be healed"))
    assert world.tells() == []
    assert "nobody is told" in world.sentences[0]


def test_every_result_of_a_service_with_a_recovery_is_handed_out():
    world = World(service(recovery=RECOVERY), service("other"))
    for step in (world.well, world.fails, world.unknown):
        step()
        assert len(world.kinds(Heal)) == 1
    world.fails("other")
    assert world.kinds(Heal) == []


def test_reports_and_what_is_missed():
    world = World(service(monitor="", interval=0.0, trap_timeout=30.0))
    assert world.runs() == []
    world.wait(29)
    world.step(events.Reported("g:s", Outcome.FAILED, "a1\x1b"))
    assert [one.result.summary for one in world.tells()] == ["a1\\x1b"]
    world.wait(29)
    assert world.tells() == []
    world.wait(1)
    assert [one.result.summary for one in world.tells()] == ["trap timeout"]
    world.wait(30)
    assert len(world.tells()) == 1
    world.step(events.Reported("g:s", Outcome.OK, "fine"))
    assert [one.run for one in world.tells()] == ["up"]


def test_a_report_counts_for_its_time_and_ends_silently():
    world = World(service(monitor="", interval=0.0, trap_duration=60.0))
    world.step(events.Reported("g:s", Outcome.FAILED, "a1"))
    world.wait(59)
    assert world.shown()["state"] == "failed"
    world.wait(1)
    assert (world.shown()["state"], world.tells()) == ("ok", [])
    world.step(events.Reported("g:s", Outcome.OK, "fine"))
    assert world.tells() == []


def test_what_is_no_service_is_said():
    world = World(service())
    for event in (events.TestNow("g:none"), events.Enable("x\x1b"), events.Reported("", Outcome.OK, "")):  # fmt: skip
        assert world.step(event) == []
        assert "There is no service" in world.sentences[0]
    world.step(events.Finished("g:none", None))
    assert "\x1b" not in "".join(world.sentences)


def test_an_alert_is_sent_for_each_period():
    world = World(service("s", period(Alert("one"), name="a"), period(Alert("two"), name="b", failures=2)))  # fmt: skip
    assert [world.fails(), world.fails()] == [["one"], ["one", "two"]]
