"""The durable queue and the loop that runs it. Knows states, retries and leases; no kind of job.

Start at `queue.JobQueue`; `loop.run_worker_loop` runs it.
"""
