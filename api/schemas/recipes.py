"""Declared recipes as clients see them."""

from pydantic import BaseModel

from domain.datasets.recipes import DeclaredRecipe


class DeclaredRecipeRead(BaseModel):
    """`version` grows with every change and is the ETag; `recipe.follows` names what sets off a build."""

    version: int
    recipe: DeclaredRecipe
