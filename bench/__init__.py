"""Measuring Fieldstone against what a competent programmer writes by hand: `python -m bench`, or `make bench`.

Here: the yardstick (`yardstick.py`), the same object as metadata (`twin.py`), the load (`load.py`), the table of ratios (`__main__.py`).
Not here: benchmarks of single layers (`rules_bench.py`, `metadata_bench.py`, `jobs_bench.py`), which stand by themselves.
"""
