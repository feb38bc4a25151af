"""The words and their numbers: against formulas done otherwise, and against rates of simulated comparisons."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import log_loss, mean_absolute_error, root_mean_squared_error

from plumbline.evaluation.slices import holm
from plumbline.review.estimates import MetricEstimate, clip_bound, estimate_metric
from plumbline.review.verdict import compare_paired, compare_unpaired, derive_margin, find_shortage


def simulate_sides(
    random: np.random.Generator, rows: int = 300, replicas: int = 5, shift: float = 0.0, spread: float = 1.0
):
    """Two sides whose influences differ by noise of rows and of rows in replicas, and by a shift."""
    common = random.normal(size=rows)
    own = random.normal(size=rows) * spread
    base, head = (common + which * own + 0.5 * random.normal(size=(replicas, rows)) + which * shift for which in (0, 1))
    return [MetricEstimate(side.mean(axis=1), side - side.mean(axis=1, keepdims=True)) for side in (base, head)]


def test_with_one_replica_it_is_the_paired_t_test() -> None:
    base, head = simulate_sides(np.random.default_rng(0), replicas=1, shift=0.1)
    verdict = compare_paired(base, head, 0.0)
    rows = (head.influence - base.influence)[0] + head.values[0] - base.values[0]
    expected = stats.ttest_1samp(rows, 0, alternative="less")
    assert verdict.p_worse == pytest.approx(expected.pvalue)
    assert verdict.degrees_of_freedom == pytest.approx(len(rows) - 1)
    assert (verdict.low, verdict.high) == pytest.approx(stats.ttest_1samp(rows, 0).confidence_interval(0.9))


def test_groups_are_left_out_one_at_a_time() -> None:
    base, head = simulate_sides(np.random.default_rng(1), replicas=1)
    group = np.random.default_rng(2).integers(0, 12, 300)
    rows = (head.influence - base.influence)[0]
    means = np.array([rows[group != number].mean() for number in range(12)])
    variance = 11 / 12 * ((means - rows.mean()) ** 2).sum()
    verdict = compare_paired(base, head, 0.2, group=group)
    assert verdict.standard_error == pytest.approx(np.sqrt(variance))
    sizes = np.bincount(group)
    assert verdict.degrees_of_freedom == pytest.approx(300**2 / (sizes**2).sum() - 1)


@pytest.mark.parametrize("metric", ["log_loss", "mean_absolute_error", "root_mean_squared_error"])
def test_values_are_scikit_learns_and_influences_are_what_a_row_adds(metric: str) -> None:
    random = np.random.default_rng(3)
    weight = random.uniform(0.5, 2, 200)
    if metric == "log_loss":
        truth = random.integers(0, 3, 200)
        scores = random.dirichlet([2, 2, 2], 200)[None].clip(0.02)
        scores /= scores.sum(axis=-1, keepdims=True)
        expected = -log_loss(truth, scores[0], sample_weight=weight)
    else:
        truth = random.normal(size=200)
        scores = (truth + random.normal(size=200))[None]
        score = {"mean_absolute_error": mean_absolute_error, "root_mean_squared_error": root_mean_squared_error}[metric]
        expected = -score(truth, scores[0], sample_weight=weight)
    estimate = estimate_metric(metric, truth, scores, weight)
    assert estimate.values[0] == pytest.approx(expected)
    assert estimate.influence.mean() == pytest.approx(0, abs=1e-12)
    step = 1e-5  # more weight on one row moves the value by its influence
    for row in (0, 7):
        more_weight = weight.copy()
        more_weight[row] *= 1 + step
        slope = (estimate_metric(metric, truth, scores, more_weight).values[0] - estimate.values[0]) / step
        assert slope * len(truth) == pytest.approx(estimate.influence[0, row], rel=1e-3, abs=1e-6)


def test_a_sure_miss_is_clipped_by_the_rarest_class() -> None:
    truth = np.array([0] * 990 + [1] * 10)
    assert clip_bound(truth) == pytest.approx(0.001)
    assert clip_bound(truth[900:]) == 0.01
    scores = np.eye(2)[1 - truth][None]
    assert estimate_metric("log_loss", truth, scores).values[0] == pytest.approx(np.log(0.001))


@pytest.mark.parametrize(
    ("base", "trivial", "expected"), [(-0.1, -0.66, 0.01), (-0.6, -0.66, 0.003), (-0.7, -0.66, 0.0)]
)
def test_what_matters_is_a_share_of_the_gap_or_of_the_loss(base: float, trivial: float, expected: float) -> None:
    assert derive_margin(base, trivial, gap_share=0.05, loss_share=0.1) == pytest.approx(expected)


def test_words_at_their_borders() -> None:
    base, head = simulate_sides(np.random.default_rng(4), shift=-1.0)
    assert compare_paired(base, base, 0.1).word == "same"
    assert compare_paired(base, base, 0.1).why == "the predictions are identical"
    assert compare_paired(base, head, 0.1).word == "worse"
    assert compare_paired(head, base, 0.1).word == "better"
    assert compare_paired(base, head, 10.0).word == "same"
    lean_base, lean_head = simulate_sides(np.random.default_rng(5), shift=-0.15, spread=0.5)
    lean = compare_paired(lean_base, lean_head, 0.15)
    assert lean.p_worse is not None
    assert lean.p_worse < 0.05
    assert (
        compare_paired(lean_base, lean_head, 2.5 * abs(lean.difference)).word != "worse"
    )  # real, and less than what matters
    noisy = compare_paired(*simulate_sides(np.random.default_rng(6), rows=40), 0.05)
    assert noisy.word == "cannot tell"
    assert noisy.rows_needed is not None
    assert noisy.rows_needed > 40
    assert compare_paired(*simulate_sides(np.random.default_rng(6)), 0.0).why.startswith(
        "base is no better than the trivial"
    )
    constant = MetricEstimate(base.values - 1, base.influence)
    assert compare_paired(base, constant, 0.1).word == "worse"
    assert compare_paired(base, constant, 2.1).word == "same"


def test_the_reason_names_the_interval_and_the_margin() -> None:
    base, head = simulate_sides(np.random.default_rng(4), shift=-1.0)
    cases = [(base, head, 0.1, 0.05), (head, base, 0.1, 0.05), (base, head, 10.0, 0.05), (base, head, 0.0, 0.01)]
    assert {compare_paired(*case, alpha=alpha).why for *case, alpha in cases} == {
        "even the most favourable end of the 90 % interval is worse by more than half the margin",
        "even the least favourable end of the 90 % interval is better by more than half the margin",
        "all of the 90 % interval lies within the margin",
        "even the most favourable end of the 98 % interval is worse",
    }
    noisy = compare_paired(*simulate_sides(np.random.default_rng(6), rows=40), 0.05)
    assert noisy.why.endswith(
        "90 % interval contains both changes larger than the margin and changes smaller than half the margin"
    )


def test_the_whole_interval_must_lie_beyond_half_of_what_matters() -> None:
    base, head = simulate_sides(np.random.default_rng(10), replicas=1, shift=-0.3, spread=0.3)
    rows = (head.influence - base.influence)[0] + head.values[0] - base.values[0]
    for wide in (0.1, 0.5):
        verdict = compare_paired(base, head, wide)
        assert verdict.p_worse == pytest.approx(stats.ttest_1samp(rows, -wide / 2, alternative="less").pvalue)
        assert verdict.p_better == pytest.approx(stats.ttest_1samp(rows, wide / 2, alternative="greater").pvalue)
    plain = compare_paired(base, head, 0.0)
    assert plain.high is not None
    border = -2 * plain.high
    assert [compare_paired(base, head, share * border).word == "worse" for share in (0.99, 1.01)] == [True, False]
    assert [compare_paired(head, base, share * border).word == "better" for share in (0.99, 1.01)] == [True, False]


def test_what_could_have_been_seen_is_called_worse_in_four_of_five() -> None:
    random = np.random.default_rng(11)
    first = compare_paired(*simulate_sides(random, rows=400), 0.4)
    assert first.detectable_difference is not None
    assert first.rows_needed is not None
    worse = sum(
        compare_paired(*simulate_sides(random, rows=400, shift=-first.detectable_difference), 0.4).word == "worse"
        for _ in range(300)
    )
    assert 0.7 < worse / 300 < 0.9
    enough = compare_paired(*simulate_sides(random, rows=first.rows_needed), 0.4)
    assert enough.detectable_difference == pytest.approx(0.4, rel=0.15)


def test_of_too_few_rows_groups_or_rows_of_a_class_nothing_is_said() -> None:
    truth = np.array([0] * 95 + [1] * 12)
    assert find_shortage(truth, None, has_classes=True) is None
    assert "99 rows" in str(find_shortage(truth[:99], None, has_classes=False))
    assert "9 rows of the rarest" in str(find_shortage(truth[:104], None, has_classes=True))
    assert "4 groups" in str(find_shortage(truth, np.arange(107) % 4, has_classes=True))
    assert find_shortage(truth, np.arange(107) % 5, has_classes=True) is None


def test_rates_of_error_are_near_their_level_with_and_without_groups() -> None:
    """One-sided 5 % before the margin, of 600 comparisons in which nothing differs but noise (binomial, 4 sigma)."""
    for has_groups in (False, True):
        p_below = worse = 0
        random = np.random.default_rng(7)
        for _ in range(600):
            base, head = simulate_sides(random, rows=120)
            group = np.arange(120) // 6 if has_groups else None
            if has_groups:
                noise = random.normal(size=20)[np.arange(120) // 6]
                head = MetricEstimate(head.values + noise.mean(), head.influence + noise - noise.mean())
            verdict = compare_paired(base, head, 0.0, group=group)
            assert verdict.p_worse is not None
            assert verdict.standard_error is not None
            p_below += verdict.p_worse < 0.05
            worse += compare_paired(base, head, 3 * verdict.standard_error, group=group).word == "worse"
        assert 0.014 < p_below / 600 < 0.086, (has_groups, p_below)
        assert worse / 600 < 0.02, (has_groups, worse)  # where a margin is three times the noise


def test_noise_that_rows_and_replicas_share_is_counted_once() -> None:
    random, pairs = np.random.default_rng(8), []
    for _ in range(300):
        base, head = simulate_sides(random, rows=150, spread=0.0)
        verdict = compare_paired(base, head, 0.0)
        assert verdict.standard_error is not None
        pairs.append((verdict.difference, verdict.standard_error))
    differences, errors = np.array(pairs).T
    assert np.sqrt((errors**2).mean()) == pytest.approx(differences.std(), rel=0.12)


def test_sides_apart_are_welchs_test_and_their_groups_count() -> None:
    base, head = simulate_sides(np.random.default_rng(9), replicas=1, shift=0.2)
    rows = [side.influence[0] + side.values[0] for side in (base, head)]
    verdict = compare_unpaired(base, head, 0.0)
    expected = stats.ttest_ind(rows[1], rows[0], equal_var=False, alternative="less")
    assert verdict.p_worse == pytest.approx(expected.pvalue, rel=1e-3)
    assert verdict.standard_error > compare_paired(base, head, 0.0).standard_error
    group = np.arange(300) // 30
    lean = [
        MetricEstimate(side.values, side.influence + np.repeat(side.influence[0, ::30], 30)) for side in (base, head)
    ]
    assert (
        compare_unpaired(*lean, 0.5, groups=(group, group)).standard_error
        > 2 * compare_unpaired(*lean, 0.5).standard_error
    )
    constant = MetricEstimate(base.values, base.influence * 0)
    assert compare_unpaired(constant, constant, 0.5).word == "same"


def test_a_part_of_the_rows_is_clipped_as_the_whole_is() -> None:
    truth, scores = np.array([0, 1]), np.eye(2)[[1, 0]][None]
    assert estimate_metric("log_loss", truth, scores, clip=0.2).values[0] == pytest.approx(np.log(0.2))


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
