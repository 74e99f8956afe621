"""Where a run's numbers are written: lines of JSON, TensorBoard, MLflow; one kind a file."""
