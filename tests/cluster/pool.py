"""A pool of Beam's Python workers at one address: `python -m tests.cluster.pool ADDRESS PORT`.

Beam's own command listens on all addresses, and here each TaskManager needs a pool of its own, as in a pod: a pool
knows its workers by a name that every TaskManager begins to count at 1-1, so that with a pool between them one
TaskManager stops the workers of the other, whose task then waits for ever.
"""

import signal
import sys
from concurrent import futures

import grpc
from apache_beam.portability.api import beam_fn_api_pb2_grpc
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer


def main(address: str, port: str) -> None:
    """Serves until SIGTERM. Exiting ends the workers, as Beam has registered by then."""
    server = grpc.server(futures.ThreadPoolExecutor(8))
    # As a process each: the pool outlives what its workers do.
    pool = BeamFnExternalWorkerPoolServicer(use_process=True, data_buffer_time_limit_ms=-1)
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    server.add_insecure_port(f"{address}:{port}")
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.wait_for_termination()
    finally:
        for worker in pool._worker_processes.values():
            worker.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])
