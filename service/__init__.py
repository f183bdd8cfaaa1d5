"""FirstReply: one incoming social message in, one triage out."""

__version__ = "0.1.0"
