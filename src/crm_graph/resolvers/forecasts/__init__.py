"""What will be sold: by whom, when, how surely, against which quota, and how right earlier forecasts were."""

from crm_graph.resolvers.forecasts import accuracy, forecast, snapshots

__all__ = ["accuracy", "forecast", "snapshots"]
