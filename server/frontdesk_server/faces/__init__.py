"""The HTTP faces: the APIs of OpenAI and Anthropic, Connect and gRPC-Web, all over the one desk.

A face translates and does nothing else: requests into the contract's messages, which are validated as gRPC's are, and
what the desk answers into its dialect's JSON.
"""
