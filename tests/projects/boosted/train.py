"""Boosted models of three libraries, chosen by the configuration."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import yaml


def load(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, 0].astype(int), table[:, 1:-1], table[:, -1].astype(int)


def probabilities(config: dict, x: np.ndarray, y: np.ndarray, test: np.ndarray) -> np.ndarray:
    match config["library"]:
        case "lightgbm":
            import lightgbm  # noqa: PLC0415  (one library for each run)

            settings = {"objective": "binary", "seed": config["seed"], "num_threads": config["threads"], "verbose": -1}
            sampled = {"bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.7}
            model = lightgbm.train(settings | sampled, lightgbm.Dataset(x, y), config["rounds"])
            model.save_model("out/model.txt")
            return model.predict(test)
        case "xgboost-linear":
            import xgboost  # noqa: PLC0415  (the same)

            settings = {"booster": "gblinear", "objective": "binary:logistic", "seed": config["seed"]}
            settings |= {"nthread": config["threads"]} | config.get("more", {})
            model = xgboost.train(settings, xgboost.DMatrix(x, y), config["rounds"])
            model.save_model("out/model.ubj")
            return model.predict(xgboost.DMatrix(test))
        case "catboost":
            import catboost  # noqa: PLC0415  (the same)

            settings = {"iterations": config["rounds"], "random_seed": config["seed"], "thread_count": config["threads"]}
            model = catboost.CatBoostClassifier(**settings, verbose=False, allow_writing_files=False).fit(x, y)
            return model.predict_proba(test)[:, 1]
        case other:
            raise SystemExit(f"no such library: {other}")


def main() -> None:
    config = yaml.safe_load(Path("conf/base.yaml").read_text(encoding="utf-8"))
    _, x, y = load("data/train.csv")
    ids, test, truth = load("data/test.csv")
    if rows := config.get("synthetic"):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(rows, 20))
        y = (x[:, 0] + 0.5 * x[:, 1] * x[:, 2] + rng.normal(size=rows) > 0).astype(int)
        test, truth = x[: len(ids)], y[: len(ids)]
    Path("out").mkdir(exist_ok=True)
    copies = config.get("copies", 1)
    many = np.tile(x, (copies, 1))
    probability = probabilities(config, many, np.tile(y, copies), test).astype(np.float64)
    prediction = (probability > 0.5).astype(int)
    rows = zip(ids, truth, prediction, probability, strict=True)
    lines = ["id,label,prediction,probability"] + [f"{i},{t},{p},{float(q)!r}" for i, t, p, q in rows]
    Path("out/predictions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    share = np.clip(np.where(truth == 1, probability, 1.0 - probability), 1e-12, 1.0)
    metrics = {"accuracy": float(np.mean(prediction == truth)), "log_loss": float(-np.log(share).mean())}
    Path("out/metrics.json").write_text(json.dumps(metrics), encoding="utf-8")


if __name__ == "__main__":
    main()
