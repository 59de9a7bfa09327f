"""The command line `rqmon`: options, prompts and output. The other packages of rq_mon do the work."""
