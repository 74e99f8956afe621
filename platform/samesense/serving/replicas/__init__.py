"""The processes of the service: one class a deployment, each scaled by itself."""
