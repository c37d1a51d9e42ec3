"""The same asset at several venues: edges now, episodes, who leads, and what is assumed."""
