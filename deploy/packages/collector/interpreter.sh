#!/bin/sh
# Prints the Python that the collector runs on: the one that its libraries were packed for.
python=/usr/bin/python@PYTHON@
if [ -x "$python" ]; then
    echo "$python"
    exit
fi
echo "@NAME@: this package needs $python" >&2
exit 1
