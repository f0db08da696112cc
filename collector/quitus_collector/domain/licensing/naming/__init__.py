"""Says which device got which licence, where the solution only counts.

`positions` are what is to be named, in order; `decisions` what each may still take; `ways` those to
cover it, from the lines in `stock`; `units` those in use; `choices` the names that come of it.
`runs` name many alike at once; `search` solves again for a better name, and `lookahead` for those
of many; `naming` puts them together.
"""
