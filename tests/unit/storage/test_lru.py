from zmhook.storage.lru import LruCache


def test_the_least_recently_used_goes_first():
    recent = LruCache(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert [recent.get(key) for key in "abc"] == [1, None, 3]
    assert len(recent) == 2


def test_what_is_put_again_is_new():
    recent = LruCache(2)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        assert recent.put(key, value) == value
    assert [recent.get(key) for key in "abc"] == [3, None, 4]


def test_what_is_taken_out_is_gone():
    recent = LruCache(2)
    recent.put("a", 1)
    assert recent.pop("a") == 1
    assert recent.pop("a") is None
    assert len(recent) == 0
