#!/bin/sh
# On a real Slurm (Debian: slurm-wlm, munge), a controller and two nodes on this machine, over loopback. As root, from
# the repository's folder:
#
#   tests/cluster/slurm.sh [FOLDER OF PROGRAMS]
#
# The bundled clip is divided into 6 parts, and the submission that `stylewarp split` wrote is sent. One part is killed
# midway and has to be tried again; the joined film has to be, picture by picture, that of a single run. Prints one
# line a check; fails at the first that does not hold. Everything it starts, it ends.
set -u
PROGRAMS=$(realpath "${1:-target/release}")
PARTS=6
WORK=$(mktemp -d)
HOST=$(hostname -s)
export SLURM_CONF="$WORK/slurm.conf"
. "$(dirname "$0")/common.sh"

mkdir -p "$WORK/state" "$WORK/n1" "$WORK/n2" "$WORK/munge"
chmod 755 "$WORK" && chmod 700 "$WORK/munge"
dd if=/dev/urandom of="$WORK/munge/key" bs=1024 count=1 2>/dev/null
chmod 400 "$WORK/munge/key"
cat >"$SLURM_CONF" <<CONF
ClusterName=try
SlurmctldHost=$HOST(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$WORK/munge/socket
CredType=cred/munge
SlurmctldPort=26817
StateSaveLocation=$WORK/state
SlurmdSpoolDir=$WORK/%n
SlurmctldPidFile=$WORK/slurmctld.pid
SlurmdPidFile=$WORK/%n.pid
SlurmctldLogFile=$WORK/slurmctld.log
SlurmdLogFile=$WORK/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
SchedulerParameters=sched_interval=5
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
NodeName=n1 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=26818 CPUs=2 RealMemory=16000 State=UNKNOWN
NodeName=n2 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=26819 CPUs=2 RealMemory=16000 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF

# In the foreground and behind us, so that each can be ended by its number.
start() {
    "$@" >>"$WORK/daemons.log" 2>&1 &
    STARTED="$! $STARTED"
}
start munged --foreground --force --key-file="$WORK/munge/key" --socket="$WORK/munge/socket" \
    --pid-file="$WORK/munge/pid" --log-file="$WORK/munge/log" --seed-file="$WORK/munge/seed"
sleep 1
start slurmctld -D
start slurmd -D -N n1
start slurmd -D -N n2
waits "both nodes are idle" 60 '[ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 2 ]'

single_run
check "the film is divided, and the submission written" \
    '"$PROGRAMS/stylewarp" split "$CLIP" --parts $PARTS -o "$JOB" --codec ffv1 --device cpu --for slurm --join "$WORK/joined.mkv" >"$WORK/split" 2>&1'
check "it asks for as many tasks as there are parts" 'grep -q -- "--array=0-$((PARTS - 1)) " "$JOB/slurm.sh"'
sed -n 's/^# \(Measured.*\)/     \1/p' "$JOB/slurm.sh"
check "Slurm takes it" 'sh "$JOB/slurm.sh" >"$WORK/submitted" 2>&1'
kill_one
waits "the join is done, after all parts" 900 '[ -f "$WORK/joined.mkv" ] && [ -z "$(squeue -h)" ]'
check "every part wrote a log, one of which tells of the kill" 'grep -lq Killed "$JOB"/log/part-*.log'
same_film
