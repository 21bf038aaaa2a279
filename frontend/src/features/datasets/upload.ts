/**
 * Uploads from the browser: one request per version, sent one after the other, streamed by the browser. They go on while
 * the person looks at other pages, and what failed keeps its files to be sent again.
 */
import { useSyncExternalStore } from "react";
import { Problem, Unreachable } from "../../client/http";
import { sizeOf, type Picked } from "../../lib/files";
import type { Version } from "./api";

export type UploadState = "waiting" | "sending" | "done" | "failed" | "stopped";

export interface Upload {
  id: number;
  /** The file's name, or how many they are. */
  label: string;
  files: readonly Picked[];
  message: string;
  state: UploadState;
  sent: number;
  total: number;
  /** Why it is not a version: what the server said, or that it said nothing. */
  error?: Error;
  version?: Version;
  /** False when the same content was a version already. */
  created?: boolean;
}

export class Uploads {
  readonly #dataset: string;
  readonly #onDone: () => void;
  readonly #listeners = new Set<() => void>();
  #all: readonly Upload[] = [];
  #request: { id: number; xhr: XMLHttpRequest } | undefined;

  constructor(dataset: string, onDone: () => void) {
    this.#dataset = dataset;
    this.#onDone = onDone;
  }

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  readonly all = () => this.#all;

  /** Queues one version per group of files. */
  add(groups: readonly (readonly Picked[])[], message: string) {
    const first = Math.max(0, ...this.#all.map(({ id }) => id)) + 1;
    const added = groups.map((files, index): Upload => {
      const label = files.length === 1 ? (files[0]?.path ?? "") : `${files.length} files`;
      return { id: first + index, label, files, message, state: "waiting", sent: 0, total: sizeOf(files) };
    });
    this.#set([...this.#all, ...added]);
    this.#next();
  }

  retry(id: number) {
    this.#set(this.#all.map((one) => (one.id === id ? again(one) : one)));
    this.#next();
  }

  stop(id: number) {
    if (this.#request?.id === id) this.#request.xhr.abort();
    else this.#change(id, { state: "stopped" });
  }

  /** Takes it out of the list. */
  forget(id: number) {
    this.#set(this.#all.filter((one) => one.id !== id));
  }

  #set(all: readonly Upload[]) {
    this.#all = all;
    this.#listeners.forEach((notify) => notify());
  }

  #change(id: number, changes: Partial<Upload>) {
    this.#set(this.#all.map((one) => (one.id === id ? { ...one, ...changes } : one)));
  }

  #next() {
    const next = this.#request ? undefined : this.#all.find(({ state }) => state === "waiting");
    if (next) this.#send(next);
  }

  #send({ id, files, message }: Upload) {
    const form = new FormData();
    if (message) form.append("message", message);
    for (const { path, file } of files) form.append("files", file, path);
    const xhr = new XMLHttpRequest();
    this.#request = { id, xhr };
    const end = (changes: Partial<Upload>) => {
      this.#request = undefined;
      this.#change(id, changes);
      this.#next();
    };
    xhr.open("POST", `/api/v1/datasets/${encodeURIComponent(this.#dataset)}/versions`);
    xhr.setRequestHeader("Accept", "application/json");
    xhr.upload.onprogress = ({ loaded, total }) => this.#change(id, { sent: loaded, total });
    xhr.onload = () => {
      const body = parsed(xhr.responseText);
      if (xhr.status >= 200 && xhr.status < 300) {
        end({ state: "done", version: body as Version, created: xhr.status === 201 });
        this.#onDone();
      } else end({ state: "failed", error: new Problem(xhr.status, body) });
    };
    // The browser also says "error" when a file was changed or taken away since it was picked.
    xhr.onerror = () => end({ state: "failed", error: new Unreachable(undefined) });
    xhr.onabort = () => end({ state: "stopped" });
    this.#change(id, { state: "sending" });
    xhr.send(form);
  }
}

function again({ id, label, files, message, total }: Upload): Upload {
  return { id, label, files, message, total, state: "waiting", sent: 0 };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const underWay = ({ state }: Upload) => state === "waiting" || state === "sending";

const byDataset = new Map<string, Uploads>();

/** The uploads to the dataset; they outlive the page. */
export function uploadsOf(dataset: string, onDone: () => void): Uploads {
  const known = byDataset.get(dataset);
  if (known) return known;
  const made = new Uploads(dataset, onDone);
  byDataset.set(dataset, made);
  return made;
}

if (typeof window !== "undefined") {
  window.addEventListener("beforeunload", (event) => {
    // The browser asks; leaving would end them.
    if ([...byDataset.values()].some((uploads) => uploads.all().some(underWay))) event.preventDefault();
  });
}

export function useUploads(uploads: Uploads): readonly Upload[] {
  return useSyncExternalStore(uploads.subscribe, uploads.all);
}
