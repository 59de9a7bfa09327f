from scheduler import SHORT_RUNNING_QUEUE
from scheduler.worker_process import run_worker

run_worker(SHORT_RUNNING_QUEUE)
