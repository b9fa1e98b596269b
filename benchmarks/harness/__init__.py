"""How the benchmarks measure: processes pinned to cores, load by C clients, interleaved rounds, ratios of pairs."""
