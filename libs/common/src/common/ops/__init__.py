"""An operator's command line: `python -m common.ops`, in the image of any service."""
