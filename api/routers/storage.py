"""What the data store holds, and what deduplication and compression save."""

from fastapi import APIRouter

from api.deps import ReadDep, Reader
from api.schemas.storage import DatasetStorageRead, StorageRead
from domain.datasets import storage

router = APIRouter(tags=["storage"])


@router.get("/storage")
def get_storage(session: ReadDep, _: Reader) -> StorageRead:
    """Bytes as people see them and as they are kept, in total and for each dataset."""
    datasets = [DatasetStorageRead.model_validate(one) for one in storage.dataset_sizes(session)]
    return StorageRead(**storage.store_sizes(session)._asdict(), datasets=datasets)
