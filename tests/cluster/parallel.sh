#!/bin/sh
# On real GNU parallel, from the repository's folder:
#
#   tests/cluster/parallel.sh [FOLDER OF PROGRAMS]
#
# As slurm.sh beside it: 6 parts, one killed midway and tried again, the film picture by picture that of a single run.
set -u
PROGRAMS=$(realpath "${1:-target/release}")
PARTS=6
WORK=$(mktemp -d)
. "$(dirname "$0")/common.sh"
JOB="$WORK/it's a film.job"

single_run
check "the film is divided, and the script written" \
    '"$PROGRAMS/stylewarp" split "$CLIP" --parts $PARTS -o "$JOB" --codec ffv1 --device cpu --for parallel --join "$WORK/joined.mkv" >"$WORK/split" 2>&1'
sh "$JOB/parallel.sh" --jobs 2 >"$WORK/parallel" 2>&1 &
RUN=$!
STARTED="$RUN $STARTED"
kill_one
check "all parts are drawn and joined" 'wait $RUN'
check "one part was tried twice" '[ "$(tail -n +2 "$JOB/parallel.log" | wc -l)" = $PARTS ] && ! awk "NR > 1 && \$7 != 0" "$JOB/parallel.log" | grep -q .'
same_film
