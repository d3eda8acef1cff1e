"""The commands' work: chooses what is judged, gathers evidence, asks the engine, and adds the answers up to a report."""
