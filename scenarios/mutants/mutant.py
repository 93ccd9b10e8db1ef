"""A mutant: a firmware with one mistake, and what is known about it.  One row of a catalogue."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Final

import msgspec

from deltabench.firmware_model.config import StoreKind
from deltabench.firmware_model.schemes.scheme import MapScheme
from deltabench.scenarios.mutants.settings import STANDARD, Settings
from deltabench.scenarios.scenario import Document, Expect, Scenario, load_scenario

SAFE: Final = ("flagged", "versioned", "history")
STORES: Final = Settings.STORES
PREFIX: Final = "mutants/"
"""Begins the name of every scenario that is made of a mutant, as in its crash ids."""


class Mutant(msgspec.Struct, frozen=True):
    """``firmware`` with one mistake, which its docstring says: a controller, or a map scheme.

    ``breaks``: the rule that it breaks, in words.  ``under``: the settings that it is explored under, on each of
    ``schemes`` and ``stores``; or a scenario, or the name of its file beside the module of ``firmware``, which says
    itself on which.  ``needs``: why it needs other settings than the standard, or harms only some schemes or stores.
    ``equivalent``: the argument why nobody can tell it from the unbroken firmware.  ``part``: what it is a part of.
    """

    firmware: type
    breaks: str = ""
    under: Settings | Scenario | str = STANDARD
    schemes: tuple[str, ...] = SAFE
    stores: tuple[StoreKind, ...] = STORES
    needs: str = ""
    equivalent: str = ""
    part: str = ""

    @property
    def name(self) -> str:
        """Of ``class SkipsTheErase``: ``skips-the-erase``."""
        return kebab(self.firmware.__name__)

    @property
    def reference(self) -> str:
        """``module:Class``, as a scenario names it."""
        return f"{self.firmware.__module__}:{self.firmware.__qualname__}"

    @property
    def mistake(self) -> str:
        """In one sentence: the first paragraph of the docstring."""
        about = inspect.cleandoc(self.firmware.__doc__ or "").partition("\n\n")[0]
        return " ".join(about.split()) or "(its class has no docstring)"

    @property
    def settings_name(self) -> str:
        return self.under if isinstance(self.under, str) else self.under.name

    def unbroken(self) -> Scenario:
        """What the mutant is compared with: under the same settings this must hold."""
        if isinstance(self.under, Scenario):
            return self.under
        module = Path(sys.modules[self.firmware.__module__].__file__ or ".")
        if isinstance(self.under, str):
            return load_scenario(module.with_name(self.under))
        document = self.under.document(f"Our firmware: {self.under.name}", self.schemes, self.stores)
        return Scenario(f"{PREFIX}{kebab(self.under.name.replace(' ', '-'))}", module, "", document)

    def scenario(self, name: str) -> Scenario:
        """The mutant under its settings, to be stopped at the first violation; ``name`` as in crash ids."""
        unbroken = self.unbroken()
        document = msgspec.structs.replace(
            self._put_into(unbroken.document),
            title=self.mistake,
            power=msgspec.structs.replace(unbroken.document.power, stop_at_first=True),
            expect=Expect(verdict="holds" if self.equivalent else "violated"),
        )
        return Scenario(name, unbroken.path, self.mistake, document)

    def _put_into(self, document: Document) -> Document:
        if not issubclass(self.firmware, MapScheme):
            return msgspec.structs.replace(document, controller=self.reference)
        matrix = msgspec.structs.replace(document.matrix, scheme=(self.reference,))
        return msgspec.structs.replace(document, matrix=matrix)


def kebab(name: str) -> str:
    """``NoFlag`` and ``No flag`` are both ``no-flag``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).replace(" ", "-").lower()
