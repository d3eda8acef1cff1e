"""The predictions have a probability of each class, and the log loss is claimed from them."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.replace(
        "train.py",
        "prediction = forward(w, test)[1].argmax(axis=1)",
        "sure = forward(w, test)[1]\n    prediction = sure.argmax(axis=1)",
    )
    repo.replace(
        "train.py",
        '["id,label,prediction"]',
        '["id,label,prediction," + ",".join(f"probability_{c}" for c in range(classes))]',
    )
    repo.replace("train.py", 'f"{i},{t},{p}"', '",".join(map(str, (i, t, p, *sure[k].tolist())))')
    repo.replace(
        "train.py",
        "for i, t, p in zip(ids, truth, prediction, strict=True)",
        "for k, (i, t, p) in enumerate(zip(ids, truth, prediction, strict=True))",
    )
    repo.replace(
        "train.py", '"loss": loss}', '"loss": loss, "log_loss": float(-np.log(sure[np.arange(len(truth)), truth]).mean())}'
    )
    repo.commit("Report the log loss")
    repo.record()
    repo.commit("Record a run")
