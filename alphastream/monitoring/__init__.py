"""Monitoring: evidence that stays valid while one watches, and the error budget that many watched pairs share."""

from alphastream.monitoring.error_budget import OnlineFDR, evidence_needed
from alphastream.monitoring.relation_monitor import WARM_UP, RelationMonitor, RelationRows, warm_up

__all__ = ["WARM_UP", "OnlineFDR", "RelationMonitor", "RelationRows", "evidence_needed", "warm_up"]
