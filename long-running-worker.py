from scheduler import LONG_RUNNING_QUEUE
from scheduler.worker_process import run_worker

run_worker(LONG_RUNNING_QUEUE)
