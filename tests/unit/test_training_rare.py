"""The series of scenes that chance shows too seldom."""

from dataclasses import replace

from training.scenes import rare, sample_scene

SCENES = [sample_scene(3, index) for index in range(1500)]


def test_only_light_on_walls_and_the_surfaces_before_walls_are_rare():
    kept = [spec for spec in SCENES if rare(spec)]
    assert 60 < len(kept) < 300
    for spec in kept:
        assert (
            spec.backdrop in ("window", "leaf shadow")
            or (spec.backdrop == "wall" and spec.surface in ("marble", "linen", "oak", "walnut"))
            or (spec.surface == "marble" and spec.view == "top")
        )


def test_every_window_without_a_large_prop_is_kept():
    windows = [s for s in SCENES if s.backdrop == "window" and s.prop not in ("podium", "block", "arch")]
    assert len(windows) > 10
    assert all(rare(spec) for spec in windows)


def test_the_same_scene_is_always_judged_alike_and_its_size_does_not_matter():
    for spec in SCENES[:300]:
        assert rare(spec) == rare(replace(spec, size=(64, 64), seed=9))
