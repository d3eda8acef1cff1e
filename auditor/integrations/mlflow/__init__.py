"""MLflow, through its own client (``mlflow-skinny`` is enough)."""
