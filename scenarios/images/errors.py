"""What can be wrong with an image, or with what one is to be built from."""

from __future__ import annotations

from deltabench.scenarios.errors import ScenarioError


class ImageError(ScenarioError):
    """An image that cannot be read, built or written: names the file and, where there is one, the line."""
