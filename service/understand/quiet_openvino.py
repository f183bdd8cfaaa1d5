"""OpenVINO without its telemetry: importing it would start a process that reports to a web service.

Import `ov` and `ops` from here, never from openvino itself; a test sees to it.
"""

import sys

# openvino treats the package as optional; None makes its import fail, so that nothing is ever sent.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

import openvino as ov  # noqa: E402
from openvino import opset13 as ops  # noqa: E402

__all__ = ["ops", "ov"]
