"""What a run counted, told at its end: states searched, points killed. Tests record it as a property of this name."""

COUNTED = "counted"
