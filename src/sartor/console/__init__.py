"""The console: pages over the services that the API answers with. No script, nothing from elsewhere."""
