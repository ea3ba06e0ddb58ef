"""Files attached to records: their names and sorts, how they come in, and who reads them."""
