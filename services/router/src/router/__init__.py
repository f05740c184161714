"""Every message goes to the right queue by contract, priority and skill."""
