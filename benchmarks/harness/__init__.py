"""How the benchmarks measure: processes pinned to cores, load by h2load, interleaved rounds, ratios of pairs."""
