"""Every metric and log-field name in one table. No label and no field ever holds message text, a customer or a brand.

| metric | kind | labels |
|---|---|---|
| http_server_request_duration_seconds | histogram | method, route, status |
| triage_stage_duration_seconds | histogram | stage |
| triage_messages_total | counter | label, escalated |
| triage_escalations_total | counter | reason |
| triage_retrieval_empty_total | counter | |
| triage_retrieval_unavailable_total | counter | |
| triage_knowledge_passages | gauge | |
| intake_messages_total | counter | outcome |
| intake_waiting | gauge | |
| intake_oldest_seconds | gauge | |
| intake_dead_letters | gauge | |
| deliveries_total | counter | outcome |
| deliveries_waiting | gauge | |
| triage_build_info | gauge | version, embedder, classifier |
| triage_refused_total | counter | |
| writer_calls_total | counter | outcome |
| writer_attempts_total | counter | |
| writer_call_duration_seconds | histogram | outcome |
| writer_tokens_total | counter | direction |
| writer_circuit_open | gauge | |

| log field | meaning |
|---|---|
| event | what happened, one word |
| request_id | the same as the header X-Request-Id |
| method, route, status | of the request; the route's pattern, never the path with its ids |
| ms | milliseconds from the first byte to the last |
| triage_id, label, escalate | of the triage made |
| reason | why the index, the records or the model can't be used, or a message or a webhook failed |
| message_id, delivery_id, endpoint_id, executor_id | of an accepted message, a webhook, its receiver, a process that works |
| outcome, attempts, tokens_in, tokens_out | of a call of the model |
"""

from __future__ import annotations

import logging
import os
import sys

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

from service import __version__
from service.messages import Triage

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
REQUESTS = Histogram(
    "http_server_request_duration_seconds", "Seconds a request took.", ("method", "route", "status"), buckets=_SECONDS
)
STAGES = Histogram("triage_stage_duration_seconds", "Seconds a stage of a triage took.", ("stage",), buckets=_SECONDS)
MESSAGES = Counter("triage_messages_total", "Messages triaged.", ("label", "escalated"))
ESCALATIONS = Counter("triage_escalations_total", "Reasons of escalated messages.", ("reason",))
EMPTY = Counter("triage_retrieval_empty_total", "Messages for which no passage was found.")
UNSEARCHED = Counter("triage_retrieval_unavailable_total", "Messages for which the index did not answer.")
PASSAGES = Gauge("triage_knowledge_passages", "Entries of knowledge this process answers from.", multiprocess_mode="max")
WRITER_CALLS = Counter("writer_calls_total", "Calls of the model: ok, stopped by us, or why there was no answer.", ("outcome",))
WRITER_ATTEMPTS = Counter("writer_attempts_total", "Requests to the model's server, retries included.")
WRITER_SECONDS = Histogram(
    "writer_call_duration_seconds", "Seconds from a call to its last byte or its end.", ("outcome",), buckets=_SECONDS
)
WRITER_TOKENS = Counter("writer_tokens_total", "Tokens read (in) and written (out) by the model.", ("direction",))
WRITER_CIRCUIT_OPEN = Gauge(
    "writer_circuit_open", "1 while a process leaves a failing model's server alone.", multiprocess_mode="max"
)
REFUSED = Counter("triage_refused_total", "Requests refused since as many as can be were under way.")
ACCEPTED = Counter("intake_messages_total", "Accepted messages that this service ended with: done, or dead.", ("outcome",))
WAITING = Gauge("intake_waiting", "Accepted messages without a triage.", multiprocess_mode="mostrecent")
OLDEST = Gauge("intake_oldest_seconds", "Seconds since the oldest of them was accepted.", multiprocess_mode="mostrecent")
DEAD = Gauge("intake_dead_letters", "Accepted messages whose triage failed for good.", multiprocess_mode="mostrecent")
DELIVERIES = Counter("deliveries_total", "Attempts of webhooks: delivered, retried later, or failed for good.", ("outcome",))
UNDELIVERED = Gauge("deliveries_waiting", "Webhooks that are still to be delivered.", multiprocess_mode="mostrecent")
BUILD = Gauge("triage_build_info", "What is running.", ("version", "embedder", "classifier"), multiprocess_mode="max")


def describe_build(embedder: str, classifier: str) -> None:
    """Says once what is running."""
    BUILD.labels(__version__, embedder, classifier).set(1)


def count(triage: Triage) -> None:
    """Counts one triage."""
    for stage, ms in triage.timings_ms.items():
        STAGES.labels(stage).observe(ms / 1000)
    escalation = triage.escalation
    MESSAGES.labels(triage.understanding.label, str(escalation.escalate).lower()).inc()
    if escalation.escalate:
        for reason in escalation.reasons:
            ESCALATIONS.labels(reason.code).inc()
    if not triage.context.passages:
        EMPTY.inc()
    if "retrieval_unavailable" in triage.warnings:
        UNSEARCHED.inc()


def exposition() -> bytes:
    """All metrics in Prometheus text format; with several workers, of all of them together."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest()


def log_warnings() -> None:
    """For a command, whose standard output is its answer: warnings alone, on stderr."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def log_as_json() -> None:
    """One JSON line an event on stderr."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
