"""Tables as people exchange them: CSV and workbooks, in and out."""
