"""Computes the package list: one name, ``haoscar_gui``, in site-packages; the rest is private to it."""

from setuptools import find_packages, setup

PRIVATE = ("panels", "backend", "templates")

setup(
    packages=find_packages(include=["haoscar_gui*"])
    + [f"haoscar_gui._lib.{name}" for name in find_packages(include=[f"{p}*" for p in PRIVATE])],
    package_dir={f"haoscar_gui._lib.{p}": p for p in PRIVATE},
)
