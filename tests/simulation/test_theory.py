"""The simulator reproduces queues whose waits are known by formula.

Each test is one seeded run, so that it says the same every time. `make theory` runs ten times as
many customers and prints what it finds beside the formulas.
"""

import pytest
from tests.simulation.theory import (
    ERLANG_C,
    Interval,
    batch_means,
    erlang_a,
    erlang_b,
    erlang_c,
    impatient,
    left,
    share,
    stories,
    waited,
    waits,
    wallace_whitt,
)

BATCHES = 20

pytestmark = pytest.mark.no_cover  # being watched line by line takes six times as long


def test_the_formulas_give_the_figures_of_the_books() -> None:
    assert erlang_b(10, 8) == pytest.approx(0.1217, abs=1e-4)
    assert erlang_c(10, 8) == pytest.approx(0.4092, abs=1e-4)
    # whoever leaves as fast as he would be served makes it M/M/inf: E(N - 50)+ / 50, N Poisson
    assert erlang_a(50, 50, 1) == pytest.approx(0.0563, abs=1e-4)
    assert erlang_a(50, 50, 0.5) == pytest.approx(0.0467, abs=1e-4)
    assert erlang_a(50, 50, 2.5) == pytest.approx(0.0689, abs=1e-4)


def test_an_interval_of_batch_means_is_students() -> None:
    means = [0.0, 1.0] * 10
    found = batch_means(means, 20, warm_up=0.0)
    assert found.mean == 0.5
    assert found.half == pytest.approx(2.093 * 0.51299 / 20**0.5, abs=1e-3)
    assert found.contains(0.5)
    assert not Interval(0.5, 0.1).contains(0.7)


def test_one_queue_waits_as_erlang_c_says() -> None:
    measured = stories(ERLANG_C, 30_000, seed=1)
    assert share(measured, waited, BATCHES).contains(erlang_c(10, 8))
    assert waits(measured, BATCHES).contains(erlang_c(10, 8) / (10 - 8))


@pytest.mark.parametrize("rate", [0.5, 2.5])
def test_as_many_give_up_as_erlang_a_says(rate: float) -> None:
    measured = stories(impatient(rate), 20_000, seed=1)
    assert share(measured, left, BATCHES).contains(erlang_a(50, 50, rate))


def test_two_skills_an_agent_serve_almost_as_well_as_all() -> None:
    """R. B. Wallace and W. Whitt, 2005: a little flexibility goes a long way; none does not."""
    all_skills, two, one = (
        waits(stories(wallace_whitt(each), 25_000, seed=1), BATCHES).mean for each in (6, 2, 1)
    )
    assert two <= 1.3 * all_skills
    assert one > 4 * all_skills
