#!/bin/sh
# Prints the Python that the agent runs on: the system's own if it is new enough, else the newest beside it.
for name in python3 python3.14 python3.13 python3.12 python3.11; do
    python=$(readlink -f "/usr/bin/$name") || continue
    case $python in
    */python3.1[1-4])
        if [ -x "$python" ]; then
            echo "$python"
            exit
        fi
        ;;
    esac
done
echo "@NAME@: this system has no Python 3.11 to 3.14 in /usr/bin" >&2
exit 1
