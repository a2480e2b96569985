#!/usr/bin/env python3
"""Django's commands, with the portal's settings: `python portal/manage.py migrate`."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command of the command line."""
    # As a script, this folder comes first on the path; `portal` is found from the one above.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "cdc_sandbox":
            raise
        sys.exit("this command reads and invents tweets by the sandbox: pip install ./sandbox")


if __name__ == "__main__":
    main()
