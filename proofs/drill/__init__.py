"""The fire drill: break a real stack, and check which alerts arrive and which do not."""
