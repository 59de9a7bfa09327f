"""The command line `rqmon`: what people see and type. What is done stands in the packages beside this one."""
