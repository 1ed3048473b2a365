"""Packaging of mmvist: ``pip install -e .`` in an OpenMMLab environment.

mmcv, mmengine, mmdet and torch are not required here: an environment holds one
of several distributions of each, and ``import mmvist`` checks what it finds.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent


def read(name: str) -> str:
    """Text of a file of the repository, empty where it does not exist."""
    path = ROOT / name
    return path.read_text(encoding='utf-8') if path.exists() else ''


def requirements(name: str) -> list[str]:
    """Requirement lines of ``requirements/<name>.txt`` without comments."""
    lines = read(f'requirements/{name}.txt').splitlines()
    return [line for line in map(str.strip, lines) if line and line[0] != '#']


version = re.search(r"__version__ = '([^']+)'", read('mmvist/version.py'))
assert version is not None, 'mmvist/version.py has no __version__'

setup(
    name='mmvist',
    version=version[1],
    description='Video instance segmentation and tracking with a modified VAE, '
    'as a plugin of MMDetection',
    long_description=read('README.md'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    keywords='computer vision, video instance segmentation, tracking, VAE',
    packages=find_packages(include=['mmvist', 'mmvist.*']),
    package_data={'mmvist': ['py.typed']},
    python_requires='>=3.10',
    install_requires=requirements('runtime'),
    extras_require={
        'mminstall': requirements('mminstall'),
        'tests': requirements('tests'),
        'benchmark': requirements('benchmark'),
        # not mmtrack itself, which goes in with --no-deps
        'mmtrack': [r for r in requirements('mmtrack') if not r.startswith('mmtrack')],
    },
    classifiers=[
        'Development Status :: 4 - Beta',
        'License :: OSI Approved :: Apache Software License',
        'Operating System :: OS Independent',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    zip_safe=False,
)
