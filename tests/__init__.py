"""The tests mirror the tree: a folder a room of the library, and runtime, views, browser, tools."""
