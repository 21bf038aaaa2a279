"""The recipe a dataset is built by, and the datasets it follows."""

from fastapi import APIRouter, Response

from api.deps import IfMatch, ReadDep, Reader, WriteDep, Writer, check_if_match
from api.documents import DocumentRoute
from api.routers.datasets import DatasetName
from api.schemas.recipes import DeclaredRecipeRead
from domain.datasets import declared
from domain.datasets.queries import get_dataset
from domain.datasets.recipes import DeclaredRecipe
from domain.datasets.service import refuse_archived

router = APIRouter(prefix="/datasets", tags=["datasets"], route_class=DocumentRoute)


@router.put("/{name}/recipe")
def put_dataset_recipe(
    name: DatasetName,
    recipe: DeclaredRecipe,
    session: WriteDep,
    response: Response,
    _: Writer,
    if_match: IfMatch = None,
) -> DeclaredRecipeRead:
    """Declare the recipe (JSON, or YAML): the dataset is built by it on each new version of what it follows."""
    dataset = declared.lock(session, name, recipe)
    refuse_archived(dataset)
    check_if_match(if_match, declared.recipe_of(session, dataset).number, what=f"The recipe of {name!r}")
    current = declared.declare(session, dataset=dataset, recipe=recipe)
    response.headers["ETag"] = f'"{current.number}"'
    return DeclaredRecipeRead(version=current.number, recipe=current.recipe or recipe)


@router.get("/{name}/recipe")
def get_dataset_recipe(name: DatasetName, session: ReadDep, response: Response, _: Reader) -> DeclaredRecipeRead:
    """The recipe that counts now; 404 when there is none."""
    number, recipe = declared.get_recipe(session, get_dataset(session, name))
    response.headers["ETag"] = f'"{number}"'
    return DeclaredRecipeRead(version=number, recipe=recipe)


@router.delete("/{name}/recipe", status_code=204)
def delete_dataset_recipe(name: DatasetName, session: WriteDep, _: Writer, if_match: IfMatch = None) -> None:
    """Stop building the dataset by its recipe. Its versions stay."""
    dataset = get_dataset(session, name, lock=True)
    check_if_match(if_match, declared.recipe_of(session, dataset).number, what=f"The recipe of {name!r}")
    declared.withdraw(session, dataset=dataset)
