"""Access policies as a whole: what they come to, whether one may replace another, and keeping them."""
