"""The library: trades to bars to estimators to positions. No Streamlit, threads or network in here."""
