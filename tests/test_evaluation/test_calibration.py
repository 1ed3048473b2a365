import numpy as np
import pytest
from scipy.special import expit, logit

from mmvist.evaluation.calibration import Calibration


def test_error_by_bins():
    claims = Calibration()
    claims.add(np.array([0.1, 0.1, 0.75, 0.75]), np.array([0, 0, 1, 1]))
    claims.add(np.array([[0.75, 0.75]]), np.array([[True, False]]))
    assert len(claims) == 6
    assert [row[:2] for row in claims.rows()] == [(1, 2), (7, 4)]
    assert claims.rows()[1][2:] == pytest.approx((0.75, 0.75))
    assert claims.ece() == pytest.approx(2 * 0.1 / 6)
    assert np.isnan(Calibration().ece()) and Calibration().rows() == []


def test_borders_are_in_the_last_bins():
    claims = Calibration()
    claims.add(np.array([0.0, 1.0]), np.array([False, True]))
    assert [row[0] for row in claims.rows()] == [0, 9]
    assert claims.ece() == 0


def test_a_temperature_mends_claims_that_are_too_sure():
    rng = np.random.default_rng(0)
    true = rng.uniform(0.02, 0.98, 50_000)
    claims = Calibration()
    claims.add(expit(2 * logit(true)), rng.random(50_000) < true)
    assert claims.ece() > 0.05
    found = claims.fitted_temperature()
    assert found == pytest.approx(2, abs=0.05)
    assert claims.scaled(found).ece() < 0.01
    assert len(claims.scaled(found)) == len(claims)
