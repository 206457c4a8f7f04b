"""Safe model releases on Amazon SageMaker: planned before, guarded during, told truthfully after."""
