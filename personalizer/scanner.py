"""A name of the version before, which only a worker that an update found running imports."""

from personalizer.outdated_worker import begin_again

begin_again()
