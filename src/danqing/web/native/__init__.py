"""danqing's own REST API below /api/v1: orders, jobs, pictures, models, settings and events."""
