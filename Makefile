# make demo and make test, each from a bare clone: they make .venv, compile what
# has to be compiled, install the rest, then do the work. A second run starts at
# once. Choose another interpreter or torch with
#     make demo PYTHON=python3.12 TORCH=torch==2.9.1
# Who has an OpenMMLab environment already does `pip install -e .` in it instead.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test lint setup clean-venv

# STACK=upstream: OpenMMLab's own last releases, in an environment beside the first.
STACK ?= onedl
ifeq ($(STACK),upstream)
VENV := .venv-upstream
MMINSTALL := requirements/upstream.txt
else ifeq ($(STACK),onedl)
VENV := .venv
MMINSTALL := requirements/mminstall.txt
else
$(error STACK is onedl or upstream, not $(STACK))
endif
PY := $(VENV)/bin/python
DEFAULT_TORCH := torch==2.13.0
CHOICES := $(VENV)/.choices

# A choice made once is kept with the environment until another one is made.
PYTHON ?= $(or $(shell sed -n 1p $(CHOICES) 2>/dev/null),$(shell command -v python3.11 || command -v python3))
TORCH ?= $(or $(shell sed -n 2p $(CHOICES) 2>/dev/null),$(DEFAULT_TORCH))
MAX_JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
# Test processes: each takes about 2 GB.
WORKERS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN); echo $$((cores < 4 ? cores : 4)))

PIP := $(PY) -m pip --disable-pip-version-check
MMCV := $(shell grep -E '^(onedl-)?mmcv=' $(MMINSTALL))
MMTRACK := $(shell grep -E '^mmtrack=' requirements/mmtrack.txt)
# The wheel that pip keeps does not know for which torch it was compiled.
COMPILE_AFRESH := --no-cache-dir --no-binary $(firstword $(subst =, ,$(MMCV)))
OPS_FLAGS := $(if $(filter-out $(DEFAULT_TORCH),$(TORCH)),$(COMPILE_AFRESH))

# Without a CUDA compiler the ops are built for the CPU; a GPU that torch could
# see would then be handed tensors for which no op exists.
ifeq ($(or $(CUDA_HOME),$(shell command -v nvcc),$(wildcard /usr/local/cuda/bin/nvcc)),)
export CUDA_VISIBLE_DEVICES :=
CPU_NOTE := $(if $(shell command -v nvidia-smi),   no CUDA compiler (nvcc): the ops are built for the CPU and the GPU stays unused)
endif

help:
	@echo 'make demo    make clips, train a small model on them, test it, write the video'
	@echo 'make test    run the tests'
	@echo 'make lint    check the style'
	@echo 'make setup   only make the environment in $(VENV)'
	@echo 'PYTHON= and TORCH= choose another interpreter and another torch,'
	@echo "STACK=upstream OpenMMLab's own packages instead of the maintained ones."

demo: setup
	$(PY) tools/demo.py

test: setup
	$(PY) -m pytest -n $(WORKERS) --dist loadscope

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

setup: $(VENV)/.installed

clean-venv:
	rm -rf $(VENV)

# 1. The environment, and torch in it: made anew when the choice changes.
ifneq ($(PYTHON)|$(TORCH),$(shell paste -sd'|' $(CHOICES) 2>/dev/null))
.PHONY: $(CHOICES)
endif
$(CHOICES):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo 'mmvist needs Python 3.10 or newer: make $(MAKECMDGOALS) PYTHON=python3.11'; exit 1; }
	@echo '== 1 of 3: environment $(VENV) with $(TORCH) (a download of 0.2 to 3 GB, once)'
	@if [[ -e $(VENV) && ! -e $(VENV)/.made-by-make ]]; then \
	  echo '$(VENV) is there and not made by this Makefile: move it away, or go on'; \
	  echo 'without make: pip install -e . in it.'; exit 1; fi
	rm -rf $(VENV)
	@mkdir $(VENV) && touch $(VENV)/.made-by-make
	$(PYTHON) -m venv $(VENV) || { \
	  echo 'Python lacks its venv module (Debian, Ubuntu: apt-get install python3-venv).'; exit 1; }
	$(PIP) install -r requirements/build.txt $(TORCH)
	@$(PIP) freeze | grep -E '^torch==' > $(VENV)/constraints.txt
	@printf '%s\n%s\n' '$(PYTHON)' '$(TORCH)' > $@

# 2. The compiled ops of mmcv, once for this torch and this version of mmcv. Without
# -g0 the debugging symbols that Python's own flags ask for take most of the time;
# CFLAGS stand in place of those flags, so that -O3 has to be named.
define LOAD_OPS
import ctypes, importlib.util, pathlib, torch
mmcv = pathlib.Path(importlib.util.find_spec('mmcv').origin).parent
ctypes.CDLL(str(next(mmcv.glob('_ext*'))))
endef
export LOAD_OPS
OPS := $(VENV)/.ops-$(subst ==,-,$(MMCV))
$(OPS): $(CHOICES)
	@echo '== 2 of 3: building the mmcv ops, three to five minutes on two cores, once'
	@echo '   (seconds where pip still keeps the wheel of an earlier build)'
	@$(if $(CPU_NOTE),echo '$(CPU_NOTE)')
	@install='$(PIP) install --no-deps --no-build-isolation --force-reinstall'; \
	export MMCV_WITH_OPS=1 MAX_JOBS=$(MAX_JOBS) CFLAGS='-O3 -DNDEBUG $(CFLAGS) -g0'; \
	$$install $(OPS_FLAGS) '$(MMCV)' || { \
	  echo 'The ops did not compile: a C++ compiler and the headers of Python are'; \
	  echo 'needed (Debian, Ubuntu: apt-get install g++ python3-dev).'; exit 1; }; \
	$(PY) -c "$$LOAD_OPS" || { \
	  echo '   the wheel that pip kept was built for another torch: building it anew'; \
	  $$install $(COMPILE_AFRESH) '$(MMCV)'; }
	@touch $@

# 3. Everything else in one resolve, torch held where it is. MMTracking comes last and
# alone: its frozen pins fit nothing, and pip check complains of them for ever.
FROZEN_PINS := ^mmtrack .*(mmcls|pandas|scipy)
$(VENV)/.installed: $(OPS) requirements.txt $(wildcard requirements/*.txt) setup.py
	@echo '== 3 of 3: installing the packages, one or two minutes'
	@grep -v '^mmtrack=' requirements/mmtrack.txt > $(VENV)/mmtrack-needs.txt
	MMCV_WITH_OPS=1 $(PIP) install --no-build-isolation -c $(VENV)/constraints.txt \
	  -r requirements/build.txt -r $(MMINSTALL) -r requirements/runtime.txt \
	  -r requirements/tests.txt -r requirements/benchmark.txt -r $(VENV)/mmtrack-needs.txt
	$(PIP) install --no-deps '$(MMTRACK)'
	@$(PY) -c 'import cv2' > /dev/null 2>&1 || { \
	  echo '   no libGL on this machine: taking the headless OpenCV of the same version'; \
	  $(PIP) install --no-deps --force-reinstall \
	    "opencv-python-headless==$$($(PY) -c 'import importlib.metadata as m; print(m.version("opencv-python"))')"; }
	$(PIP) install --no-deps --no-build-isolation -e .
	@echo '   pip check, but for the frozen pins of mmtrack:'
	@! { $(PIP) check || true; } | grep -vE '$(FROZEN_PINS)|^No broken requirements'
	@touch $@
