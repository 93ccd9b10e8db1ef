"""Finds the packages below each floor and gives them their installed names (see pyproject.toml).

setuptools can look for packages in a folder, but cannot put the prefix `deltabench.` before what it
finds; everything else about the distribution stands in pyproject.toml.
"""

from setuptools import find_packages, setup

FLOORS = ("hwsim", "firmware_model", "scenarios", "tools")

found = find_packages(include=[pattern for floor in FLOORS for pattern in (floor, f"{floor}.*")])
setup(packages=[f"deltabench.{package}" for package in found])
