"""A configuration with the mapping files that it names."""

from __future__ import annotations

from collections.abc import Mapping as Keyed
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from cdc.config import Config, load
from cdc.mapping.file.loading import read_mappings
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import MappingError, Problem


class Project(NamedTuple):
    """All that an operator has written for one stream."""

    config: Config
    mappings: tuple[Mapping, ...]


def load_project(config_path: Path) -> Project:
    """Read `cdc.yaml` and its mapping files; raises UsageError with every mistake."""
    config = load(config_path)
    return Project(config, project_mappings(config, config_path))


def project_mappings(config: Config, config_path: Path) -> tuple[Mapping, ...]:
    """Read the mapping files that a configuration names; raises one MappingError for all of them.

    Relative names begin at the folder of the configuration.
    """
    mappings, problems = read_project_mappings(config, config_path)
    if problems:
        raise MappingError(problems)
    return mappings


def read_project_mappings(
    config: Config, config_path: Path, texts: Keyed[Path, str] = MappingProxyType({})
) -> tuple[tuple[Mapping, ...], tuple[Problem, ...]]:
    """As `project_mappings`, but return the problems beside the mappings that can be read.

    `texts` are read in place of what their files hold.
    """
    return read_mappings(
        config.mappings,
        relative_to=config_path.resolve().parent,
        mask_key=config.read_mask_key(),
        ignored=config.source.ignore_statements_on,
        stream=config.name,
        time_zone=config.source.time_zone,
        texts=texts,
    )
