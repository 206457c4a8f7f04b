"""A release against a scenario on a virtual clock: what becomes of it, when, and whom it harms."""

from tidegate.simulate.result import Minute, Result, Runs
from tidegate.simulate.run import Simulation, run, run_many
from tidegate.simulate.scenario import Scenario, read_scenario

__all__ = ["Minute", "Result", "Runs", "Scenario", "Simulation", "read_scenario", "run", "run_many"]
