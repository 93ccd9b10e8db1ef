"""The translation layer: sectors on raw NAND flash, by a page-mapped log that survives what its medium does to it."""
