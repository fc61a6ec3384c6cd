#!/bin/sh
# Draws a film in @PARTS@ parts with GNU parallel, tries each up to three times, and joins them when all are there:
#
#   sh parallel.sh                             on this machine, one part at a time
#   sh parallel.sh --sshloginfile hosts        on the machines that the file names, which all see the folder
#
# @MEASURED@
set -eu
job=@JOB@
seq 0 @LAST@ | parallel --jobs 1 --retries 3 --joblog "$job/parallel.log" "$@" '@PROGRAM@-video --job @JOB@ --quiet --part {}'
exec @PROGRAM@ join @JOB@ @OUTPUT@ --overwrite --quiet
