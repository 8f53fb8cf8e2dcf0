"""Reading edited Mach-O files again, by code that shares nothing with what edits and signs them."""
