"""The list of packages, which pyproject.toml cannot say: `packages.find` has no way to add a prefix to what it finds."""

from setuptools import find_packages, setup

setup(packages=["fieldstone", *(f"fieldstone.{name}" for name in find_packages("platform")), "fieldstone.shipped"])
