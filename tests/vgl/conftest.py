from hypothesis import HealthCheck, settings

# No deadline: how long an example takes says more about the machine's other work than about the code.
settings.register_profile("sartor", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sartor")
