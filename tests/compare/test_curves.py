"""Files of curves: by the command, in a reproduction, and as something to draw."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from auditor.cli.compare import command
from auditor.compare import summary
from auditor.compare.files import compare_artifact
from auditor.compare.known import Known
from auditor.compare.tolerance import Settled
from auditor.errors import AuditorError
from auditor.model.band import Band
from auditor.model.policy import Tolerances
from auditor.model.words import Agreement


def curve(path, losses, *, suffix=".csv", name="step", start=0):
    path = path.with_suffix(suffix)
    if suffix == ".csv":
        path.write_text(f"{name},loss,step_seconds\n" + "".join(f"{n},{loss},{n}\n" for n, loss in enumerate(losses, start)))
    else:
        path.write_text("".join(json.dumps({name: n, "loss": loss}) + "\n" for n, loss in enumerate(losses, start)))
    return path


def run(*arguments):
    result = CliRunner().invoke(command, [*map(str, arguments), "--format", "json"])
    if isinstance(result.exception, AuditorError):
        return result.exception.exit, result.exception.message
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.output)


SMOOTH = [1 / (n + 1) for n in range(1000)]
BENT = [*SMOOTH[:600], *(loss * 1.01 for loss in SMOOTH[600:])]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_the_command_compares_curves_up_to_a_horizon(tmp_path, suffix):
    files = [curve(tmp_path / name, losses, suffix=suffix) for name, losses in (("a", SMOOTH), ("b", BENT))]
    code, found = run(*files, "--rtol", "1e-3")
    (loss,) = [one for one in found["comparisons"] if one["of"].endswith("#loss")]
    assert (code, loss["agreement"], loss["first"]) == (1, "diverged", "step 600")
    assert loss["excess"] == pytest.approx(0.01 / 1.01 / 1e-3, rel=1e-6)
    assert loss["worst"].startswith("step ")
    code, found = run(*files, "--rtol", "1e-3", "--horizon", "599")
    assert (code, found["agreement"]) == (0, "bitwise")
    assert all("step_seconds" not in one["of"] for one in found["comparisons"])


def test_what_is_drawn_is_short_and_holds_the_worst_and_the_last_step(tmp_path):
    _, found = run(curve(tmp_path / "a", SMOOTH), curve(tmp_path / "b", BENT), "--rtol", "1e-3")
    (loss,) = [one for one in found["comparisons"] if one["of"].endswith("#loss")]
    steps = loss["curve"]["steps"]
    assert len(steps) <= 202
    assert steps[-1] == 999
    assert int(loss["worst"].split()[1]) in steps
    at = steps.index(995)
    assert loss["curve"]["expected"][at] == SMOOTH[995]
    assert loss["curve"]["actual"][at] == BENT[995]
    assert loss["curve"]["allowed"][at] == pytest.approx(1e-3 * BENT[995])


def test_a_column_of_steps_may_have_another_name(tmp_path):
    files = [curve(tmp_path / name, SMOOTH[:9], name="tick") for name in "ab"]
    code, found = run(*files, "--step", "tick")
    assert (code, found["comparisons"][0]["of"].partition(":")[0]) == (0, "trace")


@pytest.mark.parametrize(
    ("losses", "start", "code", "words"),
    [
        (SMOOTH[:8], 0, 1, "missing 8"),
        (SMOOTH[:9], 1, 1, "missing 0; not expected 9"),
        ([*SMOOTH[:8], "nan"], 0, 1, "diverged first at step 8"),
        ([*SMOOTH[:8], ""], 0, 1, "diverged first at step 8"),
    ],
)
def test_traces_with_missing_steps_or_figures(tmp_path, losses, start, code, words):
    found = run(curve(tmp_path / "a", SMOOTH[:9]), curve(tmp_path / "b", losses, start=start))
    assert found[0] == code
    assert words in json.dumps(found[1])


@pytest.mark.parametrize(
    ("option", "words"),
    [("--horizon=3", "last step of curves"), ("--step=x", "column of steps"), ("--from=a.json", "against the update")],
)
def test_options_that_do_not_fit(tmp_path, option, words):
    path = tmp_path / "a.json"
    path.write_text('{"accuracy": 1}')
    code, message = run(path, path, option)
    assert code == 2
    assert words in message


class TestReproduced:
    def compare(self, files, band=None):
        known = Known(bands=((band, False),) if band is not None else ())
        return compare_artifact(
            *files,
            path="trace.csv",
            role="trace",
            tolerances=Settled(known=known, **vars_of(Tolerances())),
            same_executor=True,
        )

    def test_without_a_band_a_curve_is_listed_and_never_counts(self, tmp_path):
        found = self.compare([curve(tmp_path / "a", SMOOTH), curve(tmp_path / "b", BENT)])
        (loss,) = [one for one in found if one.of == "trace:trace.csv#loss"]
        assert loss.agreement is Agreement.NOT_EXERCISED
        assert loss.first == "step 600"
        assert "no band says" in loss.note
        assert summary.agreement(found) is not Agreement.DIVERGED

    def test_with_one_it_counts_up_to_the_horizon(self, tmp_path):
        files = [curve(tmp_path / "a", SMOOTH), curve(tmp_path / "b", BENT)]
        near = Band(of="trace:loss", n=4, absolute=0.0, relative=1e-3, horizon=500)
        assert summary.agreement(self.compare(files, near)) is Agreement.BITWISE
        far = Band(of="trace:*", n=4, absolute=0.0, relative=1e-3)
        assert summary.agreement(self.compare(files, far)) is Agreement.DIVERGED
        wide = Band(of="trace:loss", n=4, absolute=0.0, relative=2e-2)
        assert summary.agreement(self.compare(files, wide)) is Agreement.WITHIN_TOLERANCE

    def test_a_trace_that_cannot_be_read_claims_nothing_unless_a_band_is_about_it(self, tmp_path):
        backwards = tmp_path / "b.csv"
        backwards.write_text("step,loss\n3,1\n2,1\n")
        files = [curve(tmp_path / "a", SMOOTH), backwards]
        assert [one.agreement for one in self.compare(files)] == [Agreement.NOT_EXERCISED]
        band = Band(of="trace:loss", n=4, absolute=0.0, relative=1e-3)
        assert [one.agreement for one in self.compare(files, band)] == [Agreement.REFUSED]


def vars_of(tolerances):
    return {name: getattr(tolerances, name) for name in tolerances.__struct_fields__}
