"""Offline evaluation: suites of cases, and how a triage is judged by them."""
