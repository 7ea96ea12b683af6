"""What the log says of each job: kind and numbers always, names and paths at debug level only."""

from __future__ import annotations

import logging
import time
from typing import Any

from assistant.worker.log import SafeToLog, numbers_in
from personalizer.errors import FamiliarError, JobCancelled
from personalizer.jobs.loop import Handler, JobContext
from personalizer.jobs.queue import JobQueue
from personalizer.schemas import Job

logger = logging.getLogger("assistant.worker")


def logged(handler: Handler, queue: JobQueue) -> Handler:
    """`handler`, which tells the log when it begins, how far it is and how it ends."""

    def run(job: Job, context: JobContext) -> dict[str, Any]:
        fields: dict[str, Any] = {"job": job.id, "kind": SafeToLog(job.kind), "attempt": job.attempts}
        logger.info("job begins", extra={"fields": fields})
        logger.debug("job %d is about %s: %s", job.id, job.subject, job.payload)
        # These name photos and people.
        context.listen(
            lambda progress: logger.debug(
                "job %d: %d of %d, %s", job.id, progress.done, progress.total, progress.message
            )
        )
        began_s = time.monotonic()
        state, error, numbers = "done", None, {}
        try:
            result = handler(job, context)
            numbers = numbers_in(result)
            logger.debug("job %d: %s", job.id, result)
            return result
        except JobCancelled:
            state = "cancelled" if queue.cancelled(job.id) else "put back"
            raise
        except Exception as raised:
            state, error = "failed", raised
            raise
        finally:
            fields |= {"state": state, "elapsed_s": round(time.monotonic() - began_s, 3)}
            logger.log(
                logging.ERROR if error else logging.INFO,
                "job ends",
                extra={"fields": numbers | fields},
                # All others are told by the loop.
                exc_info=error if isinstance(error, FamiliarError) else None,
            )

    return run
