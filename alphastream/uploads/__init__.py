"""Files of history: what people upload (``upload``) becomes sorted ticks or bars of named symbols."""
