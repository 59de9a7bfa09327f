"""The fire drill: real faults in a real stack, and the alerts that must, and must not, arrive."""
