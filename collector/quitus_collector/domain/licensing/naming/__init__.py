"""Says which device got which licence, where the solution only counts.

`positions` are what is to be named, in order; `decisions` what each may still take; `choices` the
names that it may get, from `stock`; `runs` name many alike at once; `search` solves again for a
better name, and `lookahead` for those of many; `naming` puts them together.
"""
