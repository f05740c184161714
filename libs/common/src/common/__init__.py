"""What every Madoguchi service shares."""
