"""What the data store holds."""

from pydantic import BaseModel, ConfigDict, Field


class DatasetStorageRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    dataset: str
    versions: int
    logical_bytes: int = Field(description="The files of all its versions.")
    stored_bytes: int = Field(description="What its measured versions added to the store, compressed.")
    unmeasured: int = Field(description="Versions that are yet to be measured.")


class StorageRead(BaseModel):
    """From what people see down to what is kept: files, equal files once, equal pieces once, compressed."""

    model_config = ConfigDict(from_attributes=True)

    versions: int
    logical_bytes: int = Field(description="The files of all versions.")
    contents: int
    content_bytes: int = Field(description="Files, each that is the same counted once.")
    chunks: int
    chunk_bytes: int = Field(description="Pieces of files, each that is the same counted once.")
    packs: int = Field(description="Objects in the store.")
    stored_bytes: int = Field(description="What the packs come to, compressed.")
    loose_bytes: int = Field(description="Of these, what is yet to be compressed.")
    retired_bytes: int = Field(description="Of these, what is about to be deleted.")
    datasets: list[DatasetStorageRead] = Field(description="The hundred with the most bytes, the largest first.")
