"""The command line `rqmon`: what people see and type. The packages beside this one do the work."""
