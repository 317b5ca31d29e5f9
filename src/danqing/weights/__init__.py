"""Files to models and back: detection, loading, patches, the shelf of live models. Nothing here paints."""
