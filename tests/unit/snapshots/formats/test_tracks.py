from zmhook.snapshots.formats.classes import Classes
from zmhook.snapshots.formats.incoming import MessageOrigin
from zmhook.snapshots.formats.tracks import ImageFacts, Tracks
from zmhook.snapshots.formats.values import Clock
from zmhook.snapshots.snapshot import Classification, SceneBox
from zmhook.snapshots.topics import TopicMatch

FRONT = MessageOrigin(TopicMatch("front", 1, 0.0), 1, Clock())
BOX = SceneBox(0.1, 0.1, 0.2, 0.2)


def classes(label, score):
    return Classes((Classification(label, score),))


def test_tracks_and_pictures_are_bounded():
    tracks = Tracks(size=10)
    for number in range(100):
        tracks.observe(FRONT, str(number), 1.0, ImageFacts(BOX), f"image{number}")
        tracks.mark_pictured(FRONT, f"other{number}", classes("Car", 0.5))
        tracks.mark_sent(FRONT, f"picture{number}")
    pictured = [n for n in range(100) if tracks.known(FRONT, f"other{n}").pictured]
    framed = [n for n in range(100) if tracks.image_facts(FRONT, f"image{n}").box]
    assert pictured == list(range(95, 100))  # of the ten, each turn of the loop made two
    assert framed == list(range(90, 100))


def test_a_track_begins_with_its_earliest_frame():
    tracks = Tracks()
    for moment in (5.0, 3.0, 9.0):
        tracks.observe(FRONT, "a", moment, ImageFacts())
    assert tracks.known(FRONT, "a").start == 3.0


def test_a_track_of_which_there_are_two_halves_is_joined():
    tracks = Tracks()
    tracks.observe(FRONT, "old", 1.0, ImageFacts(BOX, classes("Human", 0.9)))
    tracks.observe(FRONT, "new", 5.0, ImageFacts(BOX, classes("Human", 0.3)))
    tracks.mark_pictured(FRONT, "new", classes("Human", 0.3))
    tracks.rename(FRONT, "old", "new")
    joined = tracks.known(FRONT, "new")
    assert (joined.start, joined.classes.score, joined.pictured) == (1.0, 0.9, True)
    assert tracks.known(FRONT, "old").start is None


def test_a_rename_of_a_track_that_is_not_known_is_told():
    [amendment] = Tracks().rename(FRONT, "old", "new")
    assert (amendment.track_id, amendment.renamed_to) == ("old", "new")


def test_only_a_better_class_is_news():
    tracks = Tracks()
    tracks.mark_pictured(FRONT, "a", classes("Human", 0.5))
    assert tracks.observe(FRONT, "a", 1.0, ImageFacts(None, classes("Human", 0.52))) == []
    [news] = tracks.observe(FRONT, "a", 1.0, ImageFacts(None, classes("Car", 0.6)))
    assert news.label == "Car"
    assert tracks.observe(FRONT, "a", 1.0, ImageFacts(BOX)) == []


def test_a_renamed_track_was_last_seen_under_either_name():
    tracks = Tracks()
    tracks.observe(FRONT, "old", 9.0, ImageFacts(BOX))
    tracks.observe(FRONT, "new", 5.0, ImageFacts(BOX))
    tracks.rename(FRONT, "old", "new")
    assert tracks.known(FRONT, "new").end == 9.0
