"""A configuration without its service, for tools: its routing on recorded queries, where no model is called."""
