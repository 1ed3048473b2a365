#!/usr/bin/env bash
# tools/dist_test.sh CONFIG CHECKPOINT NGPUS [arguments of tools/test.py]
# Tests in NGPUS processes, by NCCL on GPUs and by gloo on a machine without one.
# NNODES, NODE_RANK, MASTER_ADDR and PORT are for more than one machine.
set -euo pipefail
if [[ $# -lt 3 ]]; then
  echo "usage: $0 CONFIG CHECKPOINT NGPUS [arguments of tools/test.py]" >&2
  exit 2
fi
CONFIG=$1 CHECKPOINT=$2 GPUS=$3
fail() { echo "error: $1" >&2; exit 2; }
[[ -f $CONFIG ]] || fail "config $CONFIG does not exist"
[[ -f $CHECKPOINT || $CHECKPOINT == *://* ]] || fail "checkpoint $CHECKPOINT does not exist"
[[ $GPUS =~ ^[1-9][0-9]*$ ]] || fail "NGPUS is $GPUS, not a number of processes from 1 on"
TOOLS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# torchrun's own default is one thread a process
CORES=$(getconf _NPROCESSORS_ONLN)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((CORES > GPUS ? CORES / GPUS : 1))}
export PYTHONPATH="$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}"
# YAPF, by which MMEngine writes configs, keeps its grammar in a file of the user's cache:
# on a new machine the processes would write and read it at once
"${PYTHON:-python}" -c 'import yapf.yapflib.yapf_api'
exec "${PYTHON:-python}" -m torch.distributed.run \
  --nnodes "${NNODES:-1}" \
  --node_rank "${NODE_RANK:-0}" \
  --master_addr "${MASTER_ADDR:-127.0.0.1}" \
  --master_port "${PORT:-29500}" \
  --nproc_per_node "$GPUS" \
  "$TOOLS/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "${@:4}"
