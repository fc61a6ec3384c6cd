#!/bin/sh
# Draws a film in @PARTS@ parts with Slurm, tries each up to three times, and joins them when all are there:
#
#   sh slurm.sh [options of sbatch for the parts, such as --partition=long]
#
# @MEASURED@
set -eu
job=@JOB@
mkdir -p "$job/log"
parts=$(sbatch --parsable --requeue --job-name=@NAME@ --array=0-@LAST@ --ntasks=1 --cpus-per-task=@CPUS@ \
    --mem=@MEMORY@M --time=@MINUTES@ --output="$job/log/part-%a.log" --open-mode=append "$@" <<'PART'
#!/bin/sh
for try in 1 2 3; do
    code=0
    @PROGRAM@-video --job @JOB@ --quiet || code=$?
    # Wrong usage stays wrong; 130 was asked to stop.
    case $code in 0 | 2 | 130) exit $code ;; esac
done
exit $code
PART
)
sbatch --parsable --job-name=@NAME@-join --dependency=afterok:"$parts" --kill-on-invalid-dep=yes --ntasks=1 \
    --mem=1024M --output="$job/log/join.log" <<'JOIN'
#!/bin/sh
exec @PROGRAM@ join @JOB@ @OUTPUT@ --overwrite --quiet
JOIN
