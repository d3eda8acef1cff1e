"""The catalogue of checks: the modules of ``checks/``, loaded through the ordinary import system.

``checks/`` is made part of this package's path, so that ``checks/data/undigested_dataset.py`` is the module
``auditor.catalogue.data.undigested_dataset`` whether it is imported from a checkout or from a wheel.
"""

from __future__ import annotations

from auditor.resources import folder

__path__.append(str(folder("checks")))
