"""The program imports a package of the repository that lies in a folder of its own."""

from __future__ import annotations

START = "started"


def apply(repo):
    text = repo.read("train.py")
    begin, end = text.index("def softmax"), text.index("def forward")
    repo.write("lib/digits/__init__.py", 'from digits.mathematics import softmax\n\n__all__ = ["softmax"]\n')
    repo.write("lib/digits/mathematics.py", "import numpy as np\n\n\n" + text[begin:end].rstrip() + "\n")
    repo.write("train.py", text[:begin] + text[end:])
    repo.replace("train.py", "import yaml\n", 'import yaml\n\nsys.path.insert(0, "lib")\nfrom digits import softmax\n')
    repo.replace("train.py", "import json\n", "import json\nimport sys\n")
    repo.commit("Make a package")
    repo.record()
    repo.commit("Record a run")
