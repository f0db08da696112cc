"""The licence engine: what is covered, by which licence, and what is missing.

`situation` states the question and the answer, `rights` says what a licence may cover, `pools`
which licences add up, `demand` what needs a licence and which ways there are to give it one,
`assignment` finds the best of them, `naming` says which device got which, as `covers`;
`reconciliation` puts them together; `fleet` asks it by groups of devices that licences cannot tell
apart.
docs/licensing.md is the reference.
"""
