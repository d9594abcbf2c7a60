"""The RPC style that the vendor's ECS, STS and RAM share: parameters in query or form, action and version, signature."""
