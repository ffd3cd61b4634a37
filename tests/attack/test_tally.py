"""What the other tests of this tier rely on: nothing that is lost passes."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.attack


def test_what_is_lost_fails_the_test_at_its_end(attack):
    other = type(attack)("another test")
    with other("a thing that survives"):
        pass
    with other("a thing that is lost"):
        raise ValueError("gone")
    other.count("many things", tried=10, survived=8)
    with attack("what is lost is counted"):
        assert (other.tried, other.survived, len(other.lost)) == (12, 9, 3)
        assert "a thing that is lost: ValueError: gone" in other.lost
    with attack("what is lost fails the test"), pytest.raises(pytest.fail.Exception, match="gone"):
        other.check()


def test_a_test_that_tries_nothing_fails(attack):
    with attack("nothing tried"), pytest.raises(AssertionError, match="nothing was tried"):
        type(attack)("another test").check()
