"""The library: trades to bars to estimators to positions. No Streamlit, no sockets; threads only while a call lasts."""
