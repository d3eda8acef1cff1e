"""GitHub: what a verdict can be posted as, one module for each kind of thing, on github3.py.

The least that a token must be allowed to do:

================================  ==================================================================
:func:`checks.post`               ``checks: write``, ``contents: read``
:func:`statuses.post`             ``statuses: write``
:func:`comment.keep`              ``pull-requests: write``
:func:`issues.keep`               ``issues: write``
:func:`by_hand.post_deployment`   ``deployments: write``
:func:`by_hand.upload_sarif`      ``security-events: write``
:func:`by_hand.review`            an App's own installation token, ``deployments: write``
:func:`keep.keep`                 ``contents: write``
:func:`pulls.of`                  ``pull-requests: read``
================================  ==================================================================

``metadata: read``, which every token has, covers the rest.
"""

from __future__ import annotations

PUBLIC = "https://api.github.com"
"""The interface of github.com; a server of one's own is named by ``GITHUB_API_URL``."""
