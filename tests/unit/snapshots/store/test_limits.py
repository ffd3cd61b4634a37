from zmhook.settings import Snapshots
from zmhook.snapshots.store import Limits


def test_limits_are_in_seconds_and_bytes():
    settings = Snapshots(
        snapshot_max_age=2,
        snapshot_max_count=7,
        snapshot_max_size=1.5,
        snapshot_disk_reserve=0.25,
    )
    assert Limits.of(settings) == (172_800, 7, 1_500_000, 250_000)
