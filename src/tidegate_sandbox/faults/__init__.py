"""Faults on demand: what goes wrong in a real account now and then goes wrong here when somebody asks for it.

A fault is a frozen value (`fault`, and a module a kind), the book (`book`) holds those that are set, on the sandbox's
clock, and each place where one can strike asks `standing`. `control` lets the command line set and clear them; it is
the sandbox's own, and no operation of AWS's knows of it.
"""
