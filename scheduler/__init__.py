"""Schedule RQ jobs: enqueue, delay or repeat them, work them, and measure every one."""
