#!/usr/bin/env bash
# tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [arguments of tools/test.py]
# Tests in GPUS processes, GPUS_PER_NODE of them a machine, each with CPUS_PER_TASK
# cores. SRUN_ARGS is given to srun, PORT is where the processes meet. Machines without
# a GPU: GRES=none, the processes then talk by gloo.
set -euo pipefail
if [[ $# -lt 4 ]]; then
  echo "usage: $0 PARTITION JOB_NAME CONFIG CHECKPOINT [arguments of tools/test.py]" >&2
  exit 2
fi
PARTITION=$1 JOB_NAME=$2 CONFIG=$3 CHECKPOINT=$4
GPUS=${GPUS:-8}
fail() { echo "error: $1" >&2; exit 2; }
[[ -f $CONFIG ]] || fail "config $CONFIG does not exist"
[[ -f $CHECKPOINT || $CHECKPOINT == *://* ]] || fail "checkpoint $CHECKPOINT does not exist"
[[ $GPUS =~ ^[1-9][0-9]*$ ]] || fail "GPUS is $GPUS, not a number of processes from 1 on"
[[ -n $(type -t srun) ]] || fail "srun is not there: run it on a machine of the cluster"
GPUS_PER_NODE=${GPUS_PER_NODE:-$((GPUS < 8 ? GPUS : 8))}
CPUS_PER_TASK=${CPUS_PER_TASK:-5}
TOOLS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$CPUS_PER_TASK}
export MASTER_PORT=${PORT:-${MASTER_PORT:-29500}}
export PYTHONPATH="$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}"
# YAPF, by which MMEngine writes configs, keeps its grammar in a file of the user's cache:
# on a new machine the processes would write and read it at once
"${PYTHON:-python}" -c 'import yapf.yapflib.yapf_api'
# SRUN_ARGS holds several words
# shellcheck disable=SC2086
exec srun -p "$PARTITION" \
  --job-name="$JOB_NAME" \
  --gres="${GRES:-gpu:$GPUS_PER_NODE}" \
  --ntasks="$GPUS" \
  --ntasks-per-node="$GPUS_PER_NODE" \
  --cpus-per-task="$CPUS_PER_TASK" \
  --kill-on-bad-exit=1 \
  ${SRUN_ARGS:-} \
  "${PYTHON:-python}" -u "$TOOLS/test.py" "$CONFIG" "$CHECKPOINT" \
  --launcher=slurm "${@:5}"
