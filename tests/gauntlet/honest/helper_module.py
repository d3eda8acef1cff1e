"""The program is made of two modules and leaves bytecode behind, which git ignores."""

from __future__ import annotations

START = "started"


def apply(repo):
    text = repo.read("train.py")
    begin, end = text.index("def softmax"), text.index("def forward")
    repo.write("model/mathematics.py", "import numpy as np\n\n\n" + text[begin:end].rstrip() + "\n")
    repo.write("model/__init__.py", "")
    repo.write("train.py", text[:begin] + text[end:])
    repo.replace("train.py", "import yaml\n", "import yaml\n\nfrom model.mathematics import softmax\n")
    repo.write(".gitignore", "__pycache__/\n")
    repo.commit("Split the program")
    repo.record()
    repo.commit("Record a run")
