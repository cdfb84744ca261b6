"""The API: `/api/v1`, what programs, integrators and agents see of an org.

A thin surface: a request becomes a `Change` or a `Query`, the pipeline or the gate answers, the answer is worded here. It knows no rule.
Source: spec/api.md.
"""
