"""A new project, from a sample to files that can be encrypted and delivered.

plan.py     what is there and what is missing
begin.py    the missing is made
files.py    piienc.toml and .gitignore, as they are written
"""

from piienc.setup.project.begin import CreatedProject, begin
from piienc.setup.project.plan import ProjectRequest, plan

__all__ = ["CreatedProject", "ProjectRequest", "begin", "plan"]
