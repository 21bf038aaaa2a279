/** Files that a person picked or dropped, with the paths they have among themselves. */

export interface Picked {
  path: string;
  file: File;
}

/** Hidden files that operating systems leave in folders. */
const CLUTTER = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);

/** Paths below the folder that all share: a version of `photos/` holds `2024/a.jpg`, not `photos/2024/a.jpg`. */
export function arranged(files: readonly Picked[]): Picked[] {
  const kept = files.filter(({ path }) => !CLUTTER.has(path.split("/").at(-1) ?? ""));
  const [first] = kept;
  const top = first?.path.includes("/") ? `${first.path.split("/")[0] ?? ""}/` : "";
  if (!top || !kept.every(({ path }) => path.startsWith(top))) return kept;
  return kept.map(({ path, file }) => ({ path: path.slice(top.length), file }));
}

/** Of an `<input type="file">`, also one that takes a folder. */
export function fromInput(list: FileList): Picked[] {
  return arranged(Array.from(list, (file) => ({ path: file.webkitRelativePath || file.name, file })));
}

/** Of something dropped: files, and folders with all that is in them. Must be called while the drop is handled. */
export async function fromDrop(data: DataTransfer): Promise<Picked[]> {
  const entries = Array.from(data.items).map((item) => (item.kind === "file" ? item.webkitGetAsEntry() : null));
  const files = Array.from(data.files);
  const found = await Promise.all(
    entries.map(async (entry, index) => {
      const file = files[index];
      return entry ? await walk(entry) : file ? [{ path: file.name, file }] : [];
    }),
  );
  return arranged(found.flat());
}

async function walk(entry: FileSystemEntry): Promise<Picked[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const children: FileSystemEntry[] = [];
  for (;;) {
    // A reader gives some at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    children.push(...some);
  }
  return (await Promise.all(children.map(walk))).flat();
}

export function sizeOf(files: readonly Picked[]): number {
  return files.reduce((sum, { file }) => sum + file.size, 0);
}
