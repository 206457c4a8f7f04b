"""An account that has stages of projects: what bootstrapping it leaves there, and what each project has there."""
