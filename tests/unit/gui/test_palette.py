"""Everything that is written can be read, in light and in dark."""

import itertools

import pytest

from panels.widgets.palette import DARK, LIGHT, Palette, contrast, mix

TEXT, PART = 4.5, 3.0  # WCAG 2.1: of text, and of what tells a control's edge


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_reads_on_every_ground(palette: Palette) -> None:
    for ink, ground in itertools.product(palette.inks, palette.grounds):
        assert contrast(ink, ground) >= TEXT, f"{ink} on {ground}"
    assert contrast(palette.on_accent, palette.accent) >= TEXT


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_reads_on_a_banner(palette: Palette) -> None:
    for tone in (palette.ok, palette.warning, palette.error, palette.accent):
        assert contrast(palette.text, mix(palette.background, tone, 0.14)) >= TEXT


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_controls_have_an_edge_that_is_seen(palette: Palette) -> None:
    for ground in (palette.background, palette.surface):
        assert contrast(palette.outline, ground) >= PART
        assert contrast(palette.accent, ground) >= PART


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1.0


def test_mix_goes_from_one_to_the_other() -> None:
    assert mix("#000000", "#ffffff", 0.0) == "#000000"
    assert mix("#000000", "#ffffff", 1.0) == "#ffffff"
    assert mix("#102030", "#304050", 0.5) == "#203040"
